// The whole story, as the two people of the sandbox live it.

import assert from "node:assert/strict";
import { ADA, GRACE, approve, deny, scene, shot, toSentry } from "./harness.mjs";

const LIST = "@vedette issue list globex/checkout-api";

scene("a question is answered in the message that asked for access, once the person has connected", async ({ world, person }) => {
  const ada = await person(ADA);
  await shot(ada.page, "story-0-empty");
  const ts = await ada.askAndGetLink(LIST);
  const [waiting] = await ada.until("the thread says what it waits for", async () => {
    const replies = await ada.replies(ts);
    return replies.some((reply) => reply.text.includes("private link")) && replies;
  });
  await shot(ada.page, "story-1-link");

  const page = await ada.follow();
  await page.getByText("Ada Lovelace").waitFor();
  await page.getByText("Globex").first().waitFor();
  await page.getByText("issue list globex/checkout-api").waitFor();
  await shot(page, "story-2-start", { fullPage: true });
  await toSentry(page);
  await shot(page, "story-3-sentry", { fullPage: true });
  assert.equal((await world.state()).sentry.live_tokens, 0);
  await approve(page, ADA.account);
  await page.getByText("ada@example.com").waitFor();
  await shot(page, "story-4-confirm", { fullPage: true });
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByRole("heading", { name: "Sentry account connected" }).waitFor();
  await shot(page, "story-5-connected", { fullPage: true });

  await ada.page.bringToFront();
  await ada.sees("CHECKOUT-API-4F");
  await shot(ada.page, "story-6-answer");
  const replies = await ada.replies(ts);
  assert.equal(replies.length, 1, "one reply in the thread");
  assert.equal(replies[0].ts, waiting.ts, "the answer is the message that asked");
  assert.ok(replies[0].edited);

  // Once more: no link, and the same answer at once.
  const again = await ada.say(LIST);
  await ada.until("the second answer", async () => (await ada.replies(again)).some((reply) => JSON.stringify(reply.blocks).includes("CHECKOUT-API-4F")));
  assert.equal((await ada.replies(again)).length, 1);
});

scene("Grace never sees Ada's link, and her own question is answered with her own organizations", async ({ world, person }) => {
  const ada = await person(ADA);
  const grace = await person(GRACE);
  const ts = await ada.askAndGetLink("@vedette org list");
  await grace.page.locator(`[data-ts="${ts}"]`).getByTestId("thread-link").click();
  await grace.sees("private link");
  assert.equal(await grace.page.locator('[data-action-id^="connect_link"]').count(), 0);
  assert.ok(!JSON.stringify(await world.state(GRACE.id)).includes("/connect/"), "no link is anywhere in what Grace gets");
  await shot(grace.page, "grace-1-sees-no-link");

  await ada.connect();
  await ada.sees("Globex");
  assert.ok(!JSON.stringify(await world.state(GRACE.id)).includes("/connect/"));

  const own = await grace.askConnected("@vedette org list", "Umbrella");
  const [answer] = await grace.replies(own);
  assert.ok(!/globex|initech/i.test(JSON.stringify(answer.blocks)), "nothing of Ada's is in Grace's answer");
  await shot(grace.page, "grace-2-her-own");
  const [adas] = await ada.replies(ts);
  assert.ok(!/umbrella/i.test(JSON.stringify(adas.blocks)));
});
