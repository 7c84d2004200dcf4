// The page where a person lets an MCP client in: how it looks, by keyboard, and both ways that it ends.

import assert from "node:assert/strict";
import { isAccessible, scene, shot } from "./harness.mjs";
import { decideAtSentry, openConsent, register } from "./mcp-client.mjs";

const ACCOUNT = "ada@example.com";

for (const [look, options] of Object.entries({
  light: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 } },
})) {
  scene(`the consent page of an MCP client, ${look}: approved`, async ({ world, open }) => {
    const page = await (await open(options)).newPage();
    const client = await register(world, { name: "Claude Code", path: "/mcp/globex/checkout-api", more: { client_uri: "https://claude.example/code" } });
    const { ending } = await openConsent(world, page, client);
    for (const shown of ["Claude Code", "127.0.0.1:3118", "globex", "checkout-api", "https://claude.example/code"]) {
      await page.getByText(shown).first().waitFor();
    }
    await isAccessible(page, "consent");
    await shot(page, `mcp-consent-${look}`, { fullPage: true });
    assert.equal(await page.getByRole("checkbox").count(), 1, "a skill without a tool of its own is not offered");
    await page.getByText("only reads").waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    await decideAtSentry(page, ACCOUNT, "Approve");
    const answer = (await ending).searchParams;
    assert.deepEqual([answer.get("state"), answer.get("iss"), answer.get("error")], ["the client's state", world.worker, null]);
    const tokens = await client.redeem(answer.get("code"));
    assert.equal(tokens.resource, `${world.worker}/mcp/globex/checkout-api`);
    assert.ok(!tokens.scope.includes("write"), tokens.scope);
  });
}

for (const [width, height] of [[1440, 900], [1024, 768], [390, 844]]) {
  scene(`the buttons of the consent page are on the first screen of ${width} by ${height}, with every skill there is`, async ({ world, open }) => {
    const page = await (await open({ viewport: { width, height } })).newPage();
    const client = await register(world, { name: "Claude Code", path: "/mcp/globex/checkout-api", more: { client_uri: "https://claude.example/code" } });
    await openConsent(world, page, client);
    const within = async (name) => {
      const box = await page.getByRole("button", { name, exact: true }).boundingBox();
      assert.ok(box.y >= 0 && box.y + box.height <= height, `${name}: ${JSON.stringify(box)}`);
    };
    await within("Approve");
    // The other skills have no tool of their own yet, and are not offered.
    await page.evaluate(() => {
      const [row] = document.querySelectorAll(".skill");
      for (const title of ["Seer", "Triage issues", "Manage projects and teams"]) {
        const another = row.cloneNode(true);
        another.querySelector("strong").textContent = title;
        Object.assign(another.querySelector(".badge"), { className: "badge writes", textContent: "makes changes" });
        row.parentElement.append(another);
      }
    });
    assert.equal(await page.getByRole("checkbox").count(), 4);
    await within("Approve");
    await within("Cancel");
    await page.getByText("will be asked for").click();
    await page.getByText("Search issues, read an issue with its latest event").waitFor();
    await shot(page, `mcp-consent-details-${width}`, { fullPage: true });
    await isAccessible(page, "consent with its details");
  });
}

scene("the consent page of an application with its own links, and a no at each of both places", async ({ world, open }) => {
  const page = await (await open()).newPage();
  const client = await register(world, { name: "Cursor", redirect: "cursor://anysphere.cursor-mcp/oauth/callback" });
  const here = await openConsent(world, page, client);
  await isAccessible(page, "consent of a private scheme");
  await shot(page, "mcp-consent-links", { fullPage: true });
  await page.getByRole("button", { name: "Cancel" }).click({ noWaitAfter: true });
  const cancelled = (await here.ending).searchParams;
  assert.deepEqual([cancelled.get("error"), cancelled.get("state"), cancelled.get("iss")], ["access_denied", "the client's state", world.worker]);
  const anew = await page.context().newPage();
  const there = await openConsent(world, anew, client);
  await anew.getByRole("button", { name: "Approve" }).click();
  await decideAtSentry(anew, ACCOUNT, "Deny");
  assert.equal((await there.ending).searchParams.get("error"), "access_denied");
});

scene("the consent page by keyboard alone, and with nothing ticked", async ({ world, open }) => {
  const page = await (await open()).newPage();
  const client = await register(world, { name: "Claude Code" });
  await openConsent(world, page, client);
  const stops = [];
  for (let step = 0; step < 8; step += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => document.activeElement?.name || document.activeElement?.textContent.trim());
    stops.push(stop);
    if (stop?.startsWith("skill-")) await page.keyboard.press("Space");
    if (stop === "decision") break;
  }
  assert.deepEqual(stops.map((stop) => stop.replace(/^.* will be asked for this: .*$/, "what is asked for")), ["Vedette", "skill-inspect", "what is asked for", "decision"]);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Nothing was ticked" }).waitFor();
  await isAccessible(page, "nothing ticked");
  await shot(page, "mcp-consent-nothing-ticked");
});
