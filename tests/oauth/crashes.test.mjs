// workerd is killed, without a warning, at many instants of each step that makes or ends tokens. Afterwards a client has what
// works, or tries again and gets it, or is told to log in, and can; and Sentry has no token that no session knows of. One
// instant is left out of that last: between Sentry's making a token and our storing it (docs/security.md).
//
// 20 kills for each step; $VEDETTE_KILLS says otherwise.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Visitor, readForm } from "../consent.mjs";
import { isError, openDoor } from "./door.mjs";

// An account's oldest authorizations end when it has too many: each test begins with none.
const door = openDoor({ anew: true });
const KILLS = Number(process.env.VEDETTE_KILLS ?? 20);
/** How many clients are in the middle of the step when the process dies. */
const CLIENTS = 3;

/** An answer, or undefined when there was none. */
const heard = (asked) => asked.catch(() => undefined);

/** Asks again until there is an answer. */
async function insist(ask) {
  for (const end = Date.now() + 20_000; ; await pause(20)) {
    const answer = await heard(ask());
    if (answer && answer.status !== 503) return answer;
    assert.ok(Date.now() < end, `no answer but ${answer?.status}`);
  }
}

/** How many milliseconds `prepare`d steps take here and now, with a half more: over so long the kills are spread. */
async function spreadOf(prepare) {
  const took = [];
  for (let times = 0; times < 5; times += 1) {
    const steps = await prepare();
    const began = performance.now();
    await Promise.all(steps.map((step) => step()));
    took.push(performance.now() - began);
  }
  return took.sort((one, other) => one - other)[2] * 1.5;
}

/** Starts `steps` and kills workerd in their midst; returns what was heard of each. */
async function killedAmong(kill, spread, steps) {
  const answers = Promise.all(steps.map((step) => heard(step())));
  await pause((spread * kill) / KILLS);
  await door.world.kill();
  return answers;
}

async function settlesAt(live) {
  for (const end = Date.now() + 20_000; (await door.liveAtSentry()) !== live; await pause(50)) {
    assert.ok(Date.now() < end, `${await door.liveAtSentry()} tokens live at Sentry, and ${live} sessions`);
  }
}

const several = async (count, make) => {
  const all = [];
  for (let nth = 0; nth < count; nth += 1) all.push(await make());
  return all;
};

/** How often the process died before, and how often after the answer: both must have happened for a test to say much. */
function tally(t, answers) {
  const lost = answers.filter((answer) => !answer).length;
  t.diagnostic(`${answers.length} requests in ${KILLS} kills: ${lost} lost their answer`);
  assert.ok(lost > 0, "no request was in the middle of anything");
}

test("killed while Sentry sends the person back, they arrive with a code that works, or begin anew and do (P14)", async (t) => {
  const client = await door.client();
  const approved = async () => {
    const request = client.request();
    const visitor = new Visitor();
    const form = readForm(await visitor.get(request.url));
    const toSentry = await visitor.post(form.action, [...form.hidden, ["skill-inspect", "on"], ["decision", "approve"]]);
    return { request, visitor, callback: (await visitor.post(toSentry.location, { account: "ada@example.com", op: "approve" })).location };
  };
  const spread = await spreadOf(async () => {
    const { visitor, callback } = await approved();
    return [() => visitor.get(callback)];
  });
  const live = await door.liveAtSentry();
  const answers = [];
  let anew = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const { request, visitor, callback } = await approved();
    const [answer] = await killedAmong(kill, spread, [() => visitor.get(callback)]);
    answers.push(answer);
    const arrived = answer?.location ? answer : await insist(() => visitor.get(callback));
    if (!arrived.location) {
      assert.equal(arrived.status, 400, "used up, and the page says so");
      anew += 1;
    }
    const granted = arrived.location ? { ...request, code: arrived.location.searchParams.get("code") } : await client.code();
    const redeemed = await client.redeem(granted);
    assert.equal(redeemed.status, 200, redeemed.text);
    await door.works(redeemed.json.access_token);
  }
  tally(t, answers);
  t.diagnostic(`${anew} people had to begin anew`);
  // One session for each person, and for each who began anew at most the grant that was lost on its way to us.
  const left = (await door.liveAtSentry()) - live - KILLS;
  assert.ok(left <= anew, `${left} grants are left over, and ${anew} began anew`);
});

test("killed between the code and its redemption, the code is still good (P16)", async () => {
  const client = await door.client();
  const live = await door.liveAtSentry();
  const granted = await client.code();
  await door.world.kill();
  const answer = await insist(() => client.redeem(granted));
  assert.equal(answer.status, 200, answer.text);
  await door.works(answer.json.access_token);
  await door.world.kill();
  await insist(() => door.tools(answer.json.access_token));
  await door.works(answer.json.access_token);
  await settlesAt(live + 1);
});

test("killed within a redemption, the client has tokens, gets them, or is told to log in, and no grant is left over (P16)", async (t) => {
  const client = await door.client();
  const spread = await spreadOf(async () => (await several(CLIENTS, () => client.code())).map((granted) => () => client.redeem(granted)));
  const live = await door.liveAtSentry();
  const all = [];
  const lost = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const codes = await several(CLIENTS, () => client.code());
    const answers = await killedAmong(kill, spread, codes.map((granted) => () => client.redeem(granted)));
    all.push(...answers);
    for (const [nth, granted] of codes.entries()) {
      const answer = answers[nth]?.status === 200 ? answers[nth] : await insist(() => client.redeem(granted));
      if (answer.status === 200) {
        const works = await insist(() => door.tools(answer.json.access_token));
        assert.equal(works.status, 200, works.text);
        const next = await client.refresh(answer.json.refresh_token);
        assert.equal(next.status, 200, next.text);
        assert.equal((await client.revoke(next.json.refresh_token)).status, 200);
      } else {
        isError(answer, 400, "invalid_grant");
        lost.push(granted);
      }
    }
  }
  tally(t, all);
  t.diagnostic(`${lost.length} clients were told to log in`);
  if (lost.length > 0) await door.works((await client.tokens()).access_token);
  // A code that was redeemed and comes again later is taken for stolen: what came of it ends, at Sentry as well.
  if (lost.length > 0) await pause(10_500);
  for (const granted of lost) isError(await client.redeem(granted), 400, "invalid_grant");
  await settlesAt(live + (lost.length > 0 ? 1 : 0));
});

test("killed within a refresh, the client gets the pair that it lost, and goes on (P16)", async (t) => {
  const client = await door.client();
  const live = await door.liveAtSentry();
  const families = await several(CLIENTS, () => client.tokens());
  const spread = await spreadOf(async () => families.map(({ refresh_token }) => () => client.refresh(refresh_token)));
  const all = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const answers = await killedAmong(kill, spread, families.map(({ refresh_token }) => () => client.refresh(refresh_token)));
    all.push(...answers);
    for (const [nth, { refresh_token }] of families.entries()) {
      const again = await insist(() => client.refresh(refresh_token));
      assert.equal(again.status, 200, again.text);
      if (answers[nth]?.status === 200) assert.equal(again.json.refresh_token, answers[nth].json.refresh_token);
      await door.works(again.json.access_token);
      families[nth] = again.json;
    }
  }
  tally(t, all);
  await settlesAt(live + CLIENTS);
});

test("killed while Sentry's token is refreshed, the client goes on, or its session has ended whole and it logs in (P3, P16)", async (t) => {
  const client = await door.client();
  const slow = { side: "sentry", match: "oauth/token", kind: "delay", ms: 40, after_work: true };
  const { id } = await door.world.control("faults", slow);
  const soonOver = async () => {
    await door.world.control("sentry/tokens", { action: "next_life", seconds: 60 });
    return client.tokens();
  };
  const whoami = (token) => door.tools(token, { call: "whoami" });
  const refreshes = async () => (await door.counted()).refreshes;
  const spread = await spreadOf(async () => {
    const { access_token } = await soonOver();
    return [() => whoami(access_token)];
  });
  const answers = [];
  let within = 0;
  let ended = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const { access_token, refresh_token } = await soonOver();
    const before = await refreshes();
    const [answer] = await killedAmong(kill, spread, [() => whoami(access_token)]);
    answers.push(answer);
    if (!answer && (await refreshes()) > before) within += 1;
    const next = await insist(() => whoami(access_token));
    const refreshed = await insist(() => client.refresh(refresh_token));
    assert.ok((await refreshes()) <= before + 1, "Sentry is asked for one refresh");
    if (next.status === 200) {
      assert.equal((await refreshes()), before + 1);
      assert.match(next.text, /ada@example\.com/);
      assert.equal(refreshed.status, 200, refreshed.text);
      await door.works(refreshed.json.access_token, { call: "whoami" });
    } else {
      assert.equal(next.status, 401, next.text);
      isError(refreshed, 400, "invalid_grant");
      await door.works((await client.tokens()).access_token);
      ended += 1;
    }
  }
  await fetch(`${door.world.slack}/sandbox/faults/${id}`, { method: "DELETE" });
  tally(t, answers);
  assert.ok(within > 0, "no kill fell between Sentry's refresh and its answer");
  t.diagnostic(`${within} kills between Sentry's refresh and its answer; ${ended} clients were told to log in`);
});

test("killed within a revocation, it is done or not, never by half, and Sentry's tokens end with it (P5, P16)", async (t) => {
  const client = await door.client();
  const live = await door.liveAtSentry();
  const spread = await spreadOf(async () => (await several(CLIENTS, () => client.tokens())).map(({ refresh_token }) => () => client.revoke(refresh_token)));
  const all = [];
  let halves = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const families = await several(CLIENTS, () => client.tokens());
    const answers = await killedAmong(kill, spread, families.map(({ refresh_token }) => () => client.revoke(refresh_token)));
    all.push(...answers);
    for (const [nth, { access_token, refresh_token }] of families.entries()) {
      const opens = (await insist(() => door.tools(access_token))).status === 200;
      const refreshes = (await insist(() => client.refresh(refresh_token))).status === 200;
      if (opens !== refreshes) halves += 1;
      if (answers[nth]) assert.ok(!opens, "what was answered has happened");
      assert.equal((await insist(() => client.revoke(refresh_token))).status, 200);
      await door.isDead(access_token);
      isError(await client.refresh(refresh_token), 400, "invalid_grant");
    }
  }
  assert.equal(halves, 0);
  tally(t, all);
  await settlesAt(live);
});
