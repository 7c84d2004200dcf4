// The pages that a browser shows, for everybody: by keyboard, narrow, light and dark, and without a fault that axe finds.

import assert from "node:assert/strict";
import { ADA, PATIENCE, approve, fitsAcross, isAccessible, scene, shot, toSentry } from "./harness.mjs";

/** What has the focus, as a person would name it. */
const focused = (page) => page.evaluate(() => {
  const it = document.activeElement;
  return it === document.body ? "" : it.getAttribute("aria-label") || it.textContent.trim() || it.tagName;
});

/** Goes on with Tab until `name` has the focus. */
async function tabTo(page, name) {
  for (let count = 0; count < 60; count += 1) {
    const now = await focused(page);
    if (typeof name === "string" ? now === name : name.test(now)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab never reaches ${name}`);
}

const looks = [
  { name: "light", colorScheme: "light" },
  { name: "dark", colorScheme: "dark" },
  { name: "narrow", colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  { name: "narrow-dark", colorScheme: "dark", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
];

for (const { name: look, ...options } of looks) {
  scene(`every page reads well and is accessible: ${look}`, async ({ world, person }) => {
    const ada = await person(ADA, options);
    const see = async (page, name) => {
      await shot(page, `${look}-${name}`, { fullPage: page !== ada.page });
      await isAccessible(page, `${name}, ${look}`);
    };
    await see(ada.page, "1-empty");
    await ada.askAndGetLink("@vedette globex/CHECKOUT-API-4F");
    await see(ada.page, "2-link");

    const link = await ada.control("connect_link").getAttribute("href");
    const page = await ada.follow();
    await see(page, "3-start");
    await toSentry(page);
    await fitsAcross(page);
    await approve(page, ADA.account);
    await see(page, "4-confirm");
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByRole("heading", { name: "Sentry account connected" }).waitFor();
    await see(page, "5-connected");

    for (const [name, address] of [
      ["6-used", link],
      ["7-unknown-link", `${world.worker}/connect/abcdefgh`],
      ["8-no-state", `${world.worker}/api/oauth/callback/sentry?code=x&state=y`],
      ["9-not-found", `${world.worker}/nothing/here`],
      ["home", world.worker],
    ]) {
      const response = await page.goto(address);
      assert.match(response.headers()["content-security-policy"], /default-src 'none'; style-src 'sha256-[^']+'; (script-src 'sha256-[^']+'; )?img-src 'self'; form-action [^;]+; base-uri 'none'; frame-ancestors 'none'/);
      await see(page, name);
    }
    await ada.page.bringToFront();
    await ada.page.locator("#thread-messages pre").first().waitFor();
    await see(ada.page, "a-answer");
    if (!options.isMobile) {
      await ada.page.getByTestId("faults-open").click();
      await see(ada.page, "b-faults");
    } else {
      await ada.page.getByTestId("thread-close").click();
      await ada.page.getByRole("button", { name: "Open the sidebar" }).click();
      await ada.page.getByTestId("you-are").waitFor();
      await ada.page.waitForTimeout(300); // it slides in
      await see(ada.page, "b-sidebar");
    }
  });
}

for (const [width, height] of [[1440, 900], [1024, 768], [390, 844]]) {
  scene(`the one button of each connect page is on the first screen of ${width} by ${height}`, async ({ person }) => {
    const ada = await person(ADA);
    await ada.askAndGetLink("@vedette globex/CHECKOUT-API-4F");
    const page = await ada.follow();
    await page.setViewportSize({ width, height });
    const within = async (name) => {
      const box = await page.getByRole("button", { name, exact: true }).boundingBox();
      assert.ok(box.y >= 0 && box.y + box.height <= height, `${name}: ${JSON.stringify(box)}`);
    };
    await within("Continue to Sentry");
    await toSentry(page);
    await approve(page, ADA.account);
    await within("Connect");
    await within("Cancel");
  });
}

scene("the whole way from a question to its answer needs no mouse", async ({ person }) => {
  const ada = await person(ADA);
  const { page } = ada;
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Skip to the message box");
  await page.keyboard.press("Enter");
  await page.keyboard.type("@vedette project list initech");
  await page.keyboard.press("Enter");
  await page.getByTestId("thread-link").waitFor();
  await tabTo(page, /^1 reply/);
  await page.keyboard.press("Enter");
  await ada.control("connect_link").waitFor();
  await tabTo(page, "Connect Sentry");
  await shot(page, "keyboard-1-focus");
  const [connect] = await Promise.all([ada.context.waitForEvent("page"), page.keyboard.press("Enter")]);
  await connect.getByRole("heading", { level: 1 }).waitFor();

  await tabTo(connect, "Continue to Sentry");
  await shot(connect, "keyboard-2-start");
  await connect.keyboard.press("Enter");
  await connect.getByRole("heading", { name: "Vedette would like to see your Sentry" }).waitFor();
  await tabTo(connect, "Approve");
  await connect.keyboard.press("Enter");
  await connect.getByRole("heading", { name: "Connect these two?" }).waitFor();
  await tabTo(connect, "Connect");
  await shot(connect, "keyboard-3-confirm");
  await connect.keyboard.press("Enter");
  await connect.getByRole("heading", { name: "Sentry account connected" }).waitFor();
  await connect.close();
  await ada.sees("printer-fleet");

  await page.keyboard.press("Escape");
  await ada.thread.waitFor({ state: "hidden", timeout: PATIENCE });
  await tabTo(page, /^Faults/);
  await page.keyboard.press("Enter");
  await page.getByTestId("faults-panel").waitFor();
  await tabTo(page, /^Unavailable/);
  await page.keyboard.press("Space");
  await page.locator('[data-testid="fault-sentry-503"][aria-checked="true"]').waitFor();
  await page.keyboard.press("Escape");
  await page.getByTestId("faults-panel").waitFor({ state: "hidden" });
});
