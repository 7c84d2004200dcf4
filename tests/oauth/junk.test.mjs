// Junk of 0 to 100,000 characters in the place of a token, code, client id, secret or state: a 4xx each time, and no Durable
// Object is called (P17). The calls are counted where they arrive (tests/worker.mjs, `--count-object-calls`).

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { openDoor } from "./door.mjs";

const door = openDoor({ workerArguments: ["--count-object-calls"] });
const LENGTHS = [...Array(129).keys(), 255, 256, 511, 512, 513, 600, 1_023, 1_024, 1_999, 2_000, 2_001, 4_096, 4_097, 8_192, 16_383, 16_384, 16_385, 65_535, 65_536, 100_000];
const counts = async () => (await door.ask("/count-object-calls")).json;
/** How many calls objects of any class got. */
const calls = async () => Object.values(await counts()).reduce((sum, each) => sum + each, 0);

/** What `calls` says once no alarm of an earlier step calls an object any more. */
async function callsAtRest() {
  for (let last = await calls(); ; ) {
    await pause(500);
    const now = await calls();
    if (now === last) return now;
    last = now;
  }
}

/** Junk of each length, in each shape that the place could take for its own. */
function* junk(prefix) {
  for (const length of LENGTHS) {
    yield "a".repeat(length);
    if (length >= prefix.length) yield prefix + "A".repeat(length - prefix.length);
    if (length >= 4) yield `${"a".repeat(length - 4)}:b:c`;
  }
}

/** `text` with one character changed, at many places, and cut, and prolonged. */
function* spoilt(text) {
  for (let at = 0; at < text.length; at += 7) yield `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
  for (const length of [1, 4, 50, text.length - 1]) yield text.slice(0, length);
  yield `${text}A`;
  yield `${text}${"A".repeat(90_000)}`;
}

/** Asks with everything, 20 at a time, and fails unless each answer is one of `statuses` and no object was called. */
async function countsNothing(values, ask, accepts = (status) => status >= 400 && status < 500) {
  const before = await callsAtRest();
  const all = [...values];
  for (let at = 0; at < all.length; at += 20) {
    await Promise.all(
      all.slice(at, at + 20).map(async (value) => {
        const { status, text } = await ask(value);
        assert.ok(accepts(status), `${status} for ${value.length} characters: ${value.slice(0, 60)}\n${text.slice(0, 200)}`);
      }),
    );
  }
  assert.equal((await calls()) - before, 0, "no object is called");
}

test("the count is a count: each step of an authorization, each use of a token, a refresh and a revocation call one object", async () => {
  const client = await door.client();
  assert.equal((await counts()).Session, 0, "registering calls none");
  const granted = await client.code();
  const consent = (await counts()).Session;
  assert.ok(consent >= 3, `begin, take, conclude: ${consent}`);
  const tokens = (await client.redeem(granted)).json;
  assert.equal((await counts()).Session, consent + 1);
  await door.works(tokens.access_token);
  assert.equal((await counts()).Session, consent + 2);
  const next = (await client.refresh(tokens.refresh_token)).json;
  assert.equal((await counts()).Session, consent + 3);
  await client.revoke(next.refresh_token);
  assert.equal((await counts()).Session, consent + 4);
  await door.isDead(next.access_token);
  assert.equal((await counts()).Session, consent + 5, "a token of ours that ended is asked about");
});

test("access tokens, at the MCP door (P17, B1)", async () => {
  await countsNothing(junk("vda_"), (token) => door.tools(`Bearer ${token}`));
  const { access_token, refresh_token } = await (await door.client()).tokens();
  await countsNothing([...spoilt(access_token), refresh_token], (token) => door.tools(`Bearer ${token}`));
});

test("codes and verifiers, at the token endpoint (P17, B1)", async () => {
  const client = await door.client();
  const ask = (code) => client.ask({ grant_type: "authorization_code", code, code_verifier: "x".repeat(43) });
  await countsNothing(junk("vdc_"), ask);
  const granted = await client.code();
  await countsNothing(spoilt(granted.code), ask);
});

test("refresh tokens, at the token endpoint (P17, B1)", async () => {
  const client = await door.client();
  await countsNothing(junk("vdr_"), (token) => client.refresh(token));
  const { refresh_token, access_token } = await client.tokens();
  await countsNothing([...spoilt(refresh_token), access_token], (token) => client.refresh(token));
});

test("tokens to be revoked (RFC 7009: 200 for what nobody has)", async () => {
  const client = await door.client();
  await countsNothing(junk("vda_"), (token) => client.revoke(token), (status) => [200, 400, 413].includes(status));
  const { refresh_token } = await client.tokens();
  await countsNothing(spoilt(refresh_token), (token) => client.revoke(token), (status) => [200, 413].includes(status));
});

test("client ids, at the authorization, token and revocation endpoints (P17, B1)", async () => {
  const client = await door.client();
  const { access_token } = await client.tokens();
  const ids = [...junk("vdm_"), ...spoilt(client.id)];
  await countsNothing(ids, (client_id) => door.ask(`/oauth/authorize?${new URLSearchParams({ client_id, response_type: "code" })}`));
  await countsNothing(ids, (client_id) => door.form({ grant_type: "authorization_code", code: "x", client_id }));
  await countsNothing(ids, (client_id) => door.form({ token: access_token, client_id }, { where: "/oauth/revoke" }));
});

test("client ids and secrets in Basic (P17, B1)", async () => {
  const client = await door.client({ token_endpoint_auth_method: "client_secret_basic" });
  const fields = { grant_type: "authorization_code", code: "x" };
  const send = (id, secret) => door.form(fields, { headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` } });
  await countsNothing([...junk("vdm_"), ...spoilt(client.id)], (id) => send(id, "x"));
  await countsNothing([...junk("vds_"), ...spoilt(client.secret)], (secret) => send(client.id, secret));
});

test("states, at the callback, and whole queries (P14, P17)", async () => {
  await countsNothing(junk("0."), (state) => door.ask(`/oauth/callback?${new URLSearchParams({ code: "x", state })}`));
  await countsNothing(junk("x="), (query) => door.ask(`/oauth/authorize?${encodeURIComponent(query)}`));
  await countsNothing(junk("0."), (state) => door.form({ state, request: "x", decision: "approve" }, { where: "/oauth/authorize" }));
});

test("tokens and names of streams, at the transport of 2024-11-05 (P17)", async () => {
  await countsNothing(junk("vda_"), (token) => door.ask("/sse", { headers: { accept: "text/event-stream", authorization: `Bearer ${token}` } }));
  const { access_token } = await (await door.client()).tokens();
  const before = (await counts()).Stream;
  // The caller is known, by a call of its session's object; the stream is refused without a call of its own.
  for (const length of [0, 1, 22, 42, 43, 44, 600, 10_000]) {
    const answer = await door.tools(access_token, { where: `/sse?stream=${"A".repeat(length)}` });
    assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} for ${length} characters`);
  }
  assert.equal((await counts()).Stream, before);
});

test("sign-ins of the account page (P17)", async () => {
  const ask = (cookie) => door.ask("/account", { headers: { cookie: `__Host-vedette_account=${cookie}; __Host-vedette_browser=${cookie}` } });
  await countsNothing([...junk("v1.")].filter((value) => value.length < 20_000), ask, (status) => status === 200 || (status >= 400 && status < 500));
});

test("bodies of random bytes, of other alphabets and of deep nesting are a 4xx at each address", async () => {
  const { access_token } = await (await door.client()).tokens();
  const bodies = ["\0", "%", "%zz=%", "=&=&&==", "a=1&".repeat(3_000), Array.from({ length: 2_500 }, (_, nth) => `${nth}=`).join("&"), "ключ=значение", "[".repeat(60_000), '{"a":'.repeat(10_000), `{"redirect_uris":${"[".repeat(50_000)}`, "\ud800"];
  // A generator of its own, so that a failure can be seen again.
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647);
  for (let times = 0; times < 40; times += 1) bodies.push(Buffer.from(Array.from({ length: random() % 3_000 }, () => random() % 256)));
  const types = { "/oauth/token": "application/x-www-form-urlencoded", "/oauth/revoke": "application/x-www-form-urlencoded", "/oauth/authorize": "application/x-www-form-urlencoded", "/oauth/register": "application/json" };
  const before = await callsAtRest();
  for (const [where, type] of Object.entries(types)) {
    for (const body of bodies) {
      const { status, text } = await door.ask(where, { method: "POST", headers: { "content-type": type }, body });
      assert.ok(status >= 400 && status < 500, `${where}: ${status} for ${String(body).slice(0, 60)}\n${text.slice(0, 200)}`);
    }
  }
  assert.equal((await calls()) - before, 0, "no object is called");
  for (const body of bodies) {
    const headers = { "content-type": "application/json", accept: "application/json", authorization: `Bearer ${access_token}` };
    const { status, text } = await door.ask("/mcp", { method: "POST", headers, body });
    assert.ok(status >= 400 && status < 500, `/mcp: ${status} for ${String(body).slice(0, 60)}\n${text.slice(0, 200)}`);
  }
});
