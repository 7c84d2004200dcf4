// C1 to C6 and C9: what goes wrong where tokens lie in an eventually consistent store. Here, with many callers at once, on workerd.
// What a row of oauth-provider's defects became: docs/known-defects.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Visitor, readForm } from "../consent.mjs";
import { isError, openDoor } from "./door.mjs";

const door = openDoor({ workerArguments: ["--count-object-calls"] });
const CALLERS = [20, 100];
const ROUNDS = 10;

/** The answers to `ask`, asked so many times at once. */
const atOnce = (callers, ask) => Promise.all(Array.from({ length: callers }, (_, nth) => ask(nth)));
const good = (answers) => answers.filter(({ status }) => status === 200).map(({ json }) => json);
const objectCalls = async () => (await door.ask("/count-object-calls")).json.Session;

for (const callers of CALLERS) {
  test(`C1: of ${callers} redemptions of one code at once one succeeds, and its token works`, async () => {
    const client = await door.client();
    for (let round = 0; round < ROUNDS; round += 1) {
      const granted = await client.code();
      const all = await atOnce(callers, () => client.redeem(granted));
      const issued = good(all);
      assert.equal(issued.length, 1);
      for (const answer of all) if (answer.status !== 200) isError(answer, 400, "invalid_grant");
      await door.works(issued[0].access_token);
      assert.equal((await client.refresh(issued[0].refresh_token)).status, 200);
    }
  });

  test(`C2: ${callers} refreshes of one token at once all get the same pair, and it works`, async () => {
    const client = await door.client();
    let pair = await client.tokens();
    for (let round = 0; round < ROUNDS; round += 1) {
      const { refresh_token } = pair;
      const issued = good(await atOnce(callers, () => client.refresh(refresh_token)));
      assert.equal(issued.length, callers);
      assert.equal(new Set(issued.map((each) => `${each.access_token} ${each.refresh_token}`)).size, 1);
      assert.notEqual(issued[0].refresh_token, refresh_token);
      pair = issued[0];
      await door.works(pair.access_token);
    }
  });

  test(`C3: a revocation among ${callers} refreshes leaves nothing that works`, async () => {
    const client = await door.client();
    const live = await door.liveAtSentry();
    for (let round = 0; round < ROUNDS; round += 1) {
      const first = await client.tokens();
      const turn = Math.floor((callers * round) / ROUNDS);
      const answers = await atOnce(callers + 1, (nth) => (nth === turn ? client.revoke(first.refresh_token) : client.refresh(first.refresh_token)));
      for (const { status } of answers) assert.ok([200, 400].includes(status), `${status}`);
      const pairs = new Map([first, ...good(answers).filter(Boolean)].map((pair) => [pair.access_token, pair]));
      for (const { access_token, refresh_token } of pairs.values()) {
        await door.isDead(access_token);
        isError(await client.refresh(refresh_token), 400, "invalid_grant");
      }
    }
    await noMoreThan(live);
  });
}

test("C4: a token works at once, from any connection", async () => {
  const client = await door.client();
  let pair = await client.tokens();
  for (let times = 0; times < 30; times += 1) {
    pair = (await client.refresh(pair.refresh_token)).json;
    await door.works(pair.access_token, { headers: { connection: "close" } });
  }
});

test("C5: a revocation reaches every access token of the family at once, also those that were never used", async () => {
  const client = await door.client();
  const pairs = [await client.tokens()];
  for (let times = 0; times < 5; times += 1) pairs.push((await client.refresh(pairs.at(-1).refresh_token)).json);
  assert.equal((await client.revoke(pairs.at(-1).refresh_token)).status, 200);
  for (const answer of await atOnce(pairs.length, (nth) => door.tools(pairs[nth].access_token))) assert.equal(answer.status, 401);
});

test("C6: of 20 callbacks with one state at once one succeeds (P14), and Sentry is asked once", async () => {
  const client = await door.client();
  const request = client.request();
  const visitor = new Visitor();
  const form = readForm(await visitor.get(request.url));
  const toSentry = await visitor.post(form.action, [...form.hidden, ["skill-inspect", "on"], ["decision", "approve"]]);
  const callback = await visitor.post(toSentry.location, { account: "ada@example.com", op: "approve" });
  const { token_exchanges } = await door.counted();
  const answers = await atOnce(20, () => visitor.get(callback.location));
  const back = answers.filter(({ location }) => location);
  assert.equal(back.length, 1);
  for (const { location, status } of answers) if (!location) assert.equal(status, 400);
  assert.equal((await door.counted()).token_exchanges, token_exchanges + 1);
  const redeemed = await client.redeem({ ...request, code: back[0].location.searchParams.get("code") });
  assert.equal(redeemed.status, 200, redeemed.text);
});

test("C9: the tenth authorization of one person and client costs what the first did", async () => {
  const client = await door.client({ client_name: "A client that comes again" });
  const costs = [];
  for (let times = 0; times < 10; times += 1) {
    const before = await objectCalls();
    await client.tokens();
    costs.push((await objectCalls()) - before);
  }
  assert.deepEqual([...new Set(costs)].length, 1, costs.join(" "));
});

async function noMoreThan(live) {
  for (let tries = 0; (await door.liveAtSentry()) > live; tries += 1) {
    assert.ok(tries < 200, `${await door.liveAtSentry()} tokens live at Sentry, ${live} expected`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
