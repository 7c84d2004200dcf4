// The small Slack itself: it does what Slack does, and shows a newcomer where to begin.

import assert from "node:assert/strict";
import { ADA, isAccessible, scene, shot } from "./harness.mjs";

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

scene("a thread opens when its replies are pressed, and counts none that only one person sees", async ({ person }) => {
  const ada = await person(ADA);
  const ts = await ada.say("@vedette issue list globex/checkout-api");
  const link = ada.page.locator(`#messages [data-ts="${ts}"]`).getByTestId("thread-link");
  await ada.until("the private link is there", async () =>
    (await ada.messages()).some((message) => message.thread_ts === ts && message.private_to === ADA.id));
  await link.getByText("1 reply", { exact: true }).waitFor();
  assert.equal(await ada.thread.isVisible(), false);
  await link.click();
  await ada.thread.getByText("Only visible to you").waitFor();
  await ada.thread.getByText("1 reply", { exact: true }).waitFor();
});

scene("a pasted link and a piece of code show as Slack shows them", async ({ person }) => {
  const ada = await person(ADA);
  const ts = await ada.say("see https://globex.sentry.io/issues/4521/?a=1&b=2, and `issue list`");
  const message = ada.page.locator(`#messages [data-ts="${ts}"]`);
  await message.getByRole("link", { name: "https://globex.sentry.io/issues/4521/?a=1&b=2", exact: true }).waitFor();
  assert.equal(await message.locator("code").textContent(), "issue list");
  assert.ok(!/[<>`]/.test(await message.locator(".text").innerText()));
});

scene("a slash offers the command, and Tab takes it", async ({ person }) => {
  const ada = await person(ADA);
  const input = ada.page.getByTestId("composer-input");
  await input.pressSequentially("/s");
  const commands = ada.page.getByTestId("composer-commands");
  await commands.getByText("/sentry").waitFor();
  await shot(ada.page, "slash-commands");
  await isAccessible(ada.page, "slash commands");
  await input.press("Escape");
  await commands.waitFor({ state: "hidden" });
  await input.pressSequentially("e");
  await input.press("Tab");
  assert.equal(await input.inputValue(), "/sentry ");
  await commands.waitFor({ state: "hidden" });
  await input.fill("/x");
  assert.equal(await commands.isVisible(), false, "there is no such command");
  await input.fill("");
  await input.pressSequentially("/sentry help");
  await input.press("Enter");
  await ada.sees("What I can do");
});

scene("the first example is a plain question, and a press sends it", async ({ person }) => {
  const ada = await person(ADA, { viewport: { width: 1440, height: 900 } });
  await shot(ada.page, "first-1440");
  const first = ada.page.getByTestId("try-card").getByTestId("example").first();
  assert.match(await first.innerText(), /what is broken/);
  assert.equal(await ada.page.getByText("Try this").count(), 1);
  await first.click();
  await ada.page.locator("#messages").getByText("what is broken").waitFor();
  await ada.page.locator("#messages").getByTestId("thread-link").click();
  await ada.connect();
  await ada.sees("Unresolved issues in globex/checkout-api");
  await shot(ada.page, "first-1440-answered");
});

scene("a phone shows who one is, and lets one be somebody else", async ({ person }) => {
  const ada = await person(ADA, phone);
  await shot(ada.page, "first-phone");
  const title = await ada.page.getByTestId("intro").getByRole("heading", { level: 2 }).boundingBox();
  assert.ok(title.y > 50 && title.y < 300, "the introduction is read from its beginning");
  const me = ada.page.getByTestId("bar-me");
  await ada.page.getByRole("button", { name: "You are Ada" }).waitFor();
  await me.click();
  await ada.page.getByTestId("person-grace").click();
  await ada.page.waitForFunction(() => document.querySelector("#bar-me").textContent.includes("Grace"));
});
