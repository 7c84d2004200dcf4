// The first page, as people find it: by keyboard, narrow, light and dark, with and without its script.

import assert from "node:assert/strict";
import { isAccessible, scene, shot } from "./harness.mjs";

const looks = [
  { name: "light", colorScheme: "light" },
  { name: "dark", colorScheme: "dark" },
  { name: "narrow", colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  { name: "narrow-dark", colorScheme: "dark", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
];

/** Opens every client's section. */
const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((it) => { it.open = true; }));

scene("the first page is accessible and asks nobody else, in every look, folded and unfolded", async ({ world, open }) => {
  for (const { name, ...options } of looks) {
    const context = await open(options);
    const asked = new Set();
    context.on("request", (request) => asked.add(request.url()));
    const page = await context.newPage();
    const response = await page.goto(world.worker, { waitUntil: "networkidle" });
    assert.match(response.headers()["content-security-policy"], /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'$/);
    await shot(page, `home-${name}`, { fullPage: true });
    await isAccessible(page, `the first page, ${name}`);
    await unfold(page);
    await shot(page, `home-${name}-unfolded`, { fullPage: true });
    await isAccessible(page, `the first page, unfolded, ${name}`);
    for (const address of asked) assert.equal(new URL(address).origin, world.worker, address);
    await context.close();
  }
});

for (const [what, vars, word] of [
  ["headless", { SENTRY_AUTH_TOKEN: "sntryu_operator" }, "Ready with a token"],
  ["without an OAuth application", { SENTRY_CLIENT_ID: "" }, "Ready with a token"],
  ["with a host that is none", { SENTRY_HOST: "no host" }, "Not set up"],
]) {
  scene(`a deployment ${what} says so, in every look`, { vars }, async ({ world, open }) => {
    for (const { name, ...options } of looks.slice(1, 3)) {
      const page = await (await open(options)).newPage();
      await page.goto(world.worker);
      assert.equal(await page.locator(".door .state").first().textContent(), word);
      await shot(page, `home-${what.replaceAll(" ", "-")}-${name}`, { fullPage: true });
      await isAccessible(page, `the first page ${what}, ${name}`);
    }
  });
}

scene("the icons are there, and the policy lets the browser have them", async ({ world, open }) => {
  const page = await (await open()).newPage();
  await page.goto(world.worker);
  const icons = await page.locator('link[rel="icon"]').evaluateAll((links) => links.map((link) => link.href));
  assert.deepEqual(icons, [`${world.worker}/favicon.ico`, `${world.worker}/favicon.svg`]);
  const sizes = await page.evaluate((addresses) => Promise.all(addresses.map((address) => new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image.naturalWidth);
    image.onerror = () => resolve(0);
    image.src = address;
  }))), icons);
  assert.ok(sizes.every((size) => size >= 16), sizes.join());
});

scene("a press copies the text beside it and says so", async ({ world, open }) => {
  const page = await (await open({ permissions: ["clipboard-read", "clipboard-write"] })).newPage();
  await page.goto(world.worker);
  await unfold(page);
  const said = page.getByRole("status");
  assert.equal(await said.textContent(), "");
  const buttons = page.locator("button[data-copy]");
  assert.ok(await buttons.count() > 12);
  for (const button of await buttons.all()) {
    const text = await page.locator(`[id="${await button.getAttribute("data-copy")}"]`).textContent();
    const about = (await button.locator(".unseen").textContent()).trim();
    await button.click();
    await said.filter({ hasText: `Copied ${about}.` }).waitFor({ state: "attached" });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
    assert.match(await button.textContent(), /^Copied/);
  }
  assert.equal(await page.locator("#address").textContent(), `${world.worker}/mcp`);
});

scene("where the clipboard is closed, a press selects the text instead", async ({ world, open }) => {
  const context = await open();
  await context.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  const page = await context.newPage();
  await page.goto(world.worker);
  await page.getByRole("button", { name: "Copy the address" }).click();
  assert.equal(await page.evaluate(() => getSelection().toString().trim()), `${world.worker}/mcp`);
  await page.getByRole("status").filter({ hasText: "Selected the address." }).waitFor({ state: "attached" });
});

scene("the keyboard reaches every control, in the order of the page", async ({ world, open }) => {
  const page = await (await open()).newPage();
  await page.goto(world.worker);
  await page.keyboard.press("Tab"); // the brand
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.copy), "address");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.parentElement.id), "claude-code");
  assert.equal(await page.locator("#claude-code-0").isVisible(), false);
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#claude-code-0").isVisible(), true);
  await shot(page, "home-keyboard");

  await unfold(page);
  const controls = await page.locator("a[href], button, summary").count();
  await page.evaluate(() => document.activeElement.blur());
  await page.locator(".brand").focus();
  const seen = [];
  for (let count = 0; count < controls; count += 1) {
    seen.push(await page.evaluate(() => [...document.querySelectorAll("a[href], button, summary")].indexOf(document.activeElement)));
    const outlined = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outlined, "solid", `control ${count} does not show that it has the focus`);
    await page.keyboard.press("Tab");
  }
  assert.deepEqual(seen, Array.from({ length: controls }, (_, index) => index));
});

scene("without JavaScript the page says the same, and shows no button that does nothing", async ({ world, open }) => {
  const page = await (await open({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } })).newPage();
  await page.goto(world.worker);
  assert.equal(await page.locator("button").filter({ visible: true }).count(), 0);
  assert.equal(await page.locator("#address").isVisible(), true);
  assert.equal(await page.locator("#codex-0").isVisible(), false);
  await page.locator("#codex summary").click();
  assert.equal(await page.locator("#codex-0").isVisible(), true);
  assert.equal(await page.locator("#codex-0").textContent(), `codex mcp add sentry --url ${world.worker}/mcp\ncodex mcp login sentry`);
  await shotWithoutScript(page);
});

/** As {@link shot}, whose look at the width needs a script. */
async function shotWithoutScript(page) {
  await page.screenshot({ path: new URL("../../test-output/browser/home-without-script.png", import.meta.url).pathname, fullPage: true });
}

scene("a page of another origin may read the description, and an agent gets Markdown", async ({ world, open }) => {
  const page = await (await open({ bypassCSP: true })).newPage();
  await page.goto(world.slack);
  const description = await page.evaluate((address) => fetch(address).then((response) => response.json()), `${world.worker}/mcp.json`);
  assert.deepEqual(description.mcpServers, { sentry: { type: "http", url: `${world.worker}/mcp` } });
  const response = await fetch(world.worker, { headers: { accept: "text/markdown, text/html;q=0.9, */*;q=0.1" } });
  assert.equal(response.headers.get("content-type"), "text/markdown; charset=utf-8");
  assert.match(response.headers.get("vary"), /accept/i);
  const markdown = await response.text();
  assert.equal(markdown, await (await fetch(`${world.worker}/llms.txt`)).text());
  assert.ok(markdown.startsWith("# Vedette\n\n> "));
});
