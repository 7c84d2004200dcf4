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
  const ts = await ada.askAndGetLink("@vedette project list initech");
  await grace.page.locator(`[data-ts="${ts}"]`).getByTestId("thread-link").click();
  await grace.sees("private link");
  assert.equal(await grace.page.locator('[data-action-id^="connect_link"]').count(), 0);
  assert.ok(!JSON.stringify(await world.state(GRACE.id)).includes("/connect/"), "no link is anywhere in what Grace gets");
  await shot(grace.page, "grace-1-sees-no-link");

  await ada.connect();
  await ada.sees("printer-fleet");
  assert.ok(!JSON.stringify(await world.state(GRACE.id)).includes("/connect/"));

  const own = await grace.askConnected("@vedette project list umbrella", "patient-portal");
  const [answer] = await grace.replies(own);
  assert.ok(!/globex|initech/i.test(JSON.stringify(answer.blocks)), "nothing of Ada's is in Grace's answer");
  await shot(grace.page, "grace-2-her-own");
  const [adas] = await ada.replies(ts);
  assert.ok(!/umbrella/i.test(JSON.stringify(adas.blocks)));
});

scene("Deny at Sentry stops the question, and asking again gives a new link that works", async ({ world, person }) => {
  const ada = await person(ADA);
  await ada.askAndGetLink("@vedette project list initech");
  const first = await ada.control("connect_link").getAttribute("href");
  const page = await ada.follow();
  await toSentry(page);
  await deny(page);
  await page.getByRole("heading", { name: "You declined at Sentry" }).waitFor();
  await shot(page, "deny-1-page");
  assert.equal((await world.state()).sentry.token_exchanges, 0);
  await ada.page.bringToFront();
  await shot(ada.page, "deny-2-slack");

  await ada.askAndGetLink("@vedette project list initech");
  assert.notEqual(await ada.control("connect_link").getAttribute("href"), first);
  await ada.connect();
  await ada.sees("printer-fleet");

  await page.goto(first);
  await shot(page, "deny-3-old-link");
  assert.equal(await page.getByRole("button").count(), 0, "the declined link leads nowhere");
});

scene("Cancel at the confirmation keeps nothing and gives the access back to Sentry", async ({ world, person }) => {
  const ada = await person(ADA);
  const ts = await ada.askAndGetLink("@vedette project list initech");
  const page = await ada.follow();
  await toSentry(page);
  await approve(page, ADA.account);
  assert.equal((await world.state()).sentry.live_tokens, 1);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("heading", { name: "Nothing was connected" }).waitFor();
  await shot(page, "cancel-1-page");
  await ada.until("the access is revoked at Sentry", async () => (await world.state()).sentry.live_tokens === 0);
  await ada.page.bringToFront();
  await shot(ada.page, "cancel-2-slack");
  assert.ok(!JSON.stringify(await ada.replies(ts)).includes("printer-fleet"), "no answer");

  await ada.say("/sentry status");
  await ada.sees("No Sentry account is connected");
  await ada.askConnected("@vedette project list initech", "printer-fleet");
});

scene("a link that was used says so, and does nothing more", async ({ world, person }) => {
  const ada = await person(ADA);
  await ada.askAndGetLink("@vedette project list initech");
  const link = await ada.control("connect_link").getAttribute("href");
  await ada.connect();
  await ada.sees("printer-fleet");
  const page = await ada.context.newPage();
  const response = await page.goto(link);
  assert.equal(response.status(), 410);
  await page.getByRole("heading", { name: /used/ }).waitFor();
  assert.equal(await page.getByRole("button").count(), 0);
  await shot(page, "used-link");
  assert.equal((await world.state()).sentry.token_exchanges, 1);
});

scene("a link that was forwarded names whom it connects, before anything is asked of Sentry", async ({ person, open }) => {
  const ada = await person(ADA);
  await ada.askAndGetLink("@vedette project list initech");
  const stranger = await (await open()).newPage();
  await stranger.goto(await ada.control("connect_link").getAttribute("href"));
  await stranger.getByText("Ada Lovelace").waitFor();
  await stranger.getByText("Did somebody send you this link?").waitFor();
  assert.ok(new URL(stranger.url()).pathname.startsWith("/connect/"));
});

scene("what another browser began at Sentry ends on a page that connects nothing", async ({ world, person, open }) => {
  const ada = await person(ADA);
  await ada.askAndGetLink("@vedette project list initech");
  const page = await ada.follow();
  await toSentry(page);
  const consent = page.url();
  const stranger = await (await open()).newPage();
  await stranger.goto(consent);
  await stranger.locator(`input[name=account][value="${GRACE.account}"]`).check();
  await stranger.getByRole("button", { name: "Approve" }).click();
  await stranger.getByRole("heading", { level: 1 }).waitFor();
  await shot(stranger, "wrong-browser");
  assert.equal(await stranger.getByRole("button", { name: "Connect" }).count(), 0);
  assert.equal((await world.state()).sentry.token_exchanges, 0);
});
