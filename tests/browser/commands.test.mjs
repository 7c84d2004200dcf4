// What people type and press, in the small Slack.

import assert from "node:assert/strict";
import { ADA, GRACE, fitsAcross, scene, shot } from "./harness.mjs";

scene("status says who is connected, and its button asks before it takes the access away", async ({ world, person }) => {
  const ada = await person(ADA);
  await ada.say("/sentry status");
  await ada.sees("No Sentry account is connected");
  await shot(ada.page, "status-1-not-connected");
  await ada.askConnected("@vedette project list initech", "printer-fleet");
  await ada.page.getByTestId("thread-close").click();

  await ada.say("/sentry status");
  await ada.sees("Connected as Ada Lovelace");
  await shot(ada.page, "status-2-connected");
  const disconnect = ada.page.locator("#messages").getByRole("button", { name: "Disconnect" });
  await disconnect.click();
  await ada.page.getByTestId("confirm-no").waitFor();
  await shot(ada.page, "disconnect-1-dialog");
  await ada.page.getByTestId("confirm-no").click();
  assert.equal((await world.state()).sentry.live_tokens, 1, "the access is kept");

  await disconnect.click();
  await ada.page.getByTestId("confirm-yes").click();
  await ada.sees("revoked at Sentry");
  assert.equal((await world.state()).sentry.live_tokens, 0);
  await shot(ada.page, "disconnect-2-done");
});

scene("/sentry disconnect ends the access, and says so when there was none", async ({ world, person }) => {
  const ada = await person(ADA);
  await ada.askConnected("@vedette project list initech", "printer-fleet");
  await ada.page.getByTestId("thread-close").click();
  await ada.say("/sentry disconnect");
  await ada.sees("revoked at Sentry");
  assert.equal((await world.state()).sentry.live_tokens, 0);
  await ada.say("/sentry disconnect");
  await ada.sees("there is nothing to disconnect");
  await shot(ada.page, "disconnect-3-nothing");
  await ada.askAndGetLink("@vedette project list initech");
});

scene("Show more brings the next page in place of the first, and the menu opens an issue with its stack trace", async ({ person }) => {
  const ada = await person(ADA);
  const ts = await ada.askConnected("@vedette issue list globex/checkout-api", "CHECKOUT-API-4F");
  await ada.page.getByRole("button", { name: "Show more" }).click();
  const shown = async () => (await ada.replies(ts)).map((reply) => JSON.stringify(reply.blocks));
  await ada.until("a second page", async () => (await shown()).some((blocks) => blocks.includes("CHECKOUT-API-5") && !blocks.includes("CHECKOUT-API-4F")));
  await shot(ada.page, "more-1-next-page");
  assert.equal((await ada.replies(ts)).length, 1, "no second card");
  await ada.thread.getByText("11–20 of 46").waitFor();
  await ada.thread.getByRole("button", { name: "Back to the first" }).click();
  await ada.thread.getByText("1–10 of 46").waitFor();

  const menu = ada.page.getByLabel("Take a closer look…").first();
  await menu.selectOption({ index: 1 });
  await ada.sees("GatewayTimeout: stripe.com did not answer");
  await ada.page.locator("#thread-messages pre").last().waitFor();
  await shot(ada.page, "more-2-issue");
});

scene("an issue's id alone is found in the organization that knows it", async ({ person }) => {
  const ada = await person(ADA);
  await ada.askAndGetLink("@vedette CHECKOUT-API-4F");
  await ada.connect();
  await ada.page.locator("#thread-messages pre").first().waitFor();
  await ada.sees("Found in globex.");
  await shot(ada.page, "id-alone");
});

scene("a command that names no organization asks for it, and a press on one answers", async ({ person }) => {
  const ada = await person(ADA);
  await ada.askAndGetLink("@vedette issue list");
  await ada.connect();
  await ada.sees("Which organization?");
  await shot(ada.page, "organization-1-picker");
  await ada.thread.getByRole("button", { name: "initech", exact: true }).click();
  await ada.sees("Unresolved issues in initech");
  await shot(ada.page, "organization-2-answer");
});

scene("what Sentry does not let somebody see is explained, kindly", async ({ person }) => {
  const grace = await person(GRACE);
  const ts = await grace.askAndGetLink("@vedette issue list globex");
  await grace.connect();
  await grace.sees("I can't find an organization or project called globex");
  const [answer] = await grace.replies(ts);
  assert.ok(!JSON.stringify(answer.blocks).includes("CHECKOUT-API"));
  await shot(grace.page, "explained-not-yours");
});

scene("titles that try to be markup stay text, and an answer never calls the channel", async ({ person }) => {
  const ada = await person(ADA);
  await ada.askConnected("@vedette issue list globex/test-lab -n 25", "TEST-LAB");
  await ada.thread.getByText("<!channel>").first().waitFor();
  assert.equal(await ada.page.locator("#thread-messages .message[data-author=U0VEDETTE] .mention").count(), 0);
  await shot(ada.page, "hostile-titles");
});

scene("a fault that is switched on in the panel is told in a kind message, and is over when it is switched off", async ({ person }) => {
  const ada = await person(ADA);
  await ada.askConnected("@vedette project list initech", "printer-fleet");
  await ada.page.getByTestId("faults-open").click();
  await ada.page.getByTestId("fault-sentry-503").click();
  await ada.page.locator('[data-testid="fault-sentry-503"][aria-checked="true"]').waitFor();
  await shot(ada.page, "fault-1-panel");
  await ada.page.getByTestId("faults-close").click();
  const ts = await ada.say("@vedette issue list globex");
  await ada.until("a kind message", async () => (await ada.replies(ts)).some((reply) => /^Sentry is not available.*Try again/s.test(reply.text)));
  await shot(ada.page, "fault-2-told");

  await ada.page.getByTestId("faults-open").click();
  await ada.page.getByTestId("fault-sentry-503").click();
  await ada.page.locator('[data-testid="fault-sentry-503"][aria-checked="false"]').waitFor();
  await ada.page.getByTestId("faults-close").click();
  await ada.ask("@vedette issue list globex");
  await ada.sees("CHECKOUT-API-4F");
});

scene("a channel without the app offers to invite it", async ({ person }) => {
  const ada = await person(ADA, { channel: "C0GENERAL" });
  await ada.say("@vedette help");
  await ada.page.getByRole("button", { name: "Invite vedette to #general" }).click();
  await ada.page.getByText("vedette is here now").waitFor();
  await ada.ask("@vedette help");
  await ada.sees("What I can do");
  await fitsAcross(ada.page);
  await shot(ada.page, "invited");
});

scene("a direct message needs no mention, and its link comes in the same place", async ({ person }) => {
  const ada = await person(ADA, { channel: "D0ADA" });
  await ada.askConnected("org list", "Initech GmbH");
  await shot(ada.page, "direct");
});
