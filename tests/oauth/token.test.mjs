// Cases 52 to 81: the token endpoint, its clients, and codes.

import assert from "node:assert/strict";
import { INSPECT, REDIRECT, basic, isError, isNotCached, openDoor, scenario, shownOnTheHost } from "./door.mjs";

const door = openDoor();
const FORM = "application/x-www-form-urlencoded";
const CONFIDENTIAL = { token_endpoint_auth_method: "client_secret_basic" };
const POST = { token_endpoint_auth_method: "client_secret_post" };

/** The pairs of a redemption by a public client. */
const redemption = (client, granted) => Object.entries({ ...client.redemption(granted), client_id: client.id });

scenario(52, "RFC 6749 §3.2", "only a posted form is read", async () => {
  const get = await door.ask("/oauth/token");
  isError(get, 405, "invalid_request");
  assert.match(get.headers.get("allow"), /POST/);
  for (const type of ["application/json", `application/json, ${FORM}`, "multipart/form-data; boundary=x", "", "\u00ff"]) {
    const answer = await door.ask("/oauth/token", { method: "POST", headers: { "content-type": type }, body: '{"grant_type":"refresh_token"}' });
    isError(answer, 400, "invalid_request");
  }
});

scenario(53, "RFC 6749 §3.2", "the form's type may have a charset", async () => {
  const client = await door.client();
  const body = new URLSearchParams(redemption(client, await client.code())).toString();
  const answer = await door.ask("/oauth/token", { method: "POST", headers: { "content-type": `${FORM.toUpperCase()}; charset=utf-8` }, body });
  assert.equal(answer.status, 200, answer.text);
});

scenario(54, "RFC 6749 §3.2", "a parameter stands there once; only resource may repeat", async () => {
  const client = await door.client();
  const good = redemption(client, await client.code());
  for (const name of ["grant_type", "code", "client_id", "code_verifier"]) {
    isError(await door.form([...good, good.find(([known]) => known === name)]), 400, "invalid_request");
  }
  const resource = ["resource", `${door.origin}/mcp`];
  const answer = await door.form([...good, resource, resource]);
  assert.equal(answer.status, 200, answer.text);
});

scenario(55, "RFC 6749 §5.2", "no client, or an unknown one, is an invalid_client", async () => {
  for (const more of [{}, { client_id: "" }, { client_id: "unknown" }]) {
    isError(await door.form({ grant_type: "authorization_code", code: "x", ...more }), 401, "invalid_client");
  }
});

scenario(56, "RFC 6749 §2.3", "one way to authenticate at a time; a client's name beside it is none (§3.2.1)", async () => {
  const client = await door.client(CONFIDENTIAL);
  const headers = { authorization: basic(client.id, client.secret) };
  const fields = client.redemption(await client.code());
  for (const more of [{ client_id: "another" }, { client_secret: client.secret }, { client_secret: "x" }]) {
    isError(await door.form({ ...fields, ...more }, { headers }), 400, "invalid_request");
  }
  for (const more of [{ client_id: client.id }, { client_id: "", client_secret: "" }]) {
    const redemption = client.redemption(await client.code());
    const answer = await door.form({ ...redemption, ...more }, { headers });
    assert.equal(answer.status, 200, answer.text);
    const refresh = { grant_type: "refresh_token", refresh_token: answer.json.refresh_token, ...more };
    assert.equal((await door.form(refresh, { headers })).status, 200);
  }
  const open = await door.client();
  const redemption = { ...open.redemption(await open.code()), client_id: open.id, client_secret: "" };
  assert.equal((await door.form(redemption, { headers: { authorization: "Bearer x" } })).status, 200, "neither is an authentication");
});

/** Fails unless this is an invalid_client that says that Basic was tried. */
function isRefusedBasic(answer) {
  isError(answer, 401, "invalid_client");
  assert.match(answer.headers.get("www-authenticate"), /^Basic realm=/);
}

scenario(57, "RFC 6749 §5.2", "broken Basic is an invalid_client with a challenge", async () => {
  const client = await door.client(CONFIDENTIAL);
  const encode = (text) => `Basic ${Buffer.from(text).toString("base64")}`;
  const broken = ["Basic", "Basic ", "Basic !!!", encode(client.id), encode(`${client.id}%zz:${client.secret}`), encode(`:${client.secret}`), encode("%ff:%fe"), `Basic ${Buffer.from([0xff, 0x3a]).toString("base64")}`, "Bearer x"];
  for (const authorization of broken) isRefusedBasic(await door.form({ grant_type: "refresh_token", refresh_token: "x" }, { headers: { authorization } }));
});

scenario(58, "RFC 6749 §2.3.1", "Basic in any case, with its parts decoded as a form", async () => {
  const client = await door.client(CONFIDENTIAL);
  const hex = (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const escaped = `bAsIc ${Buffer.from(`${hex(client.id)}:${hex(client.secret)}`).toString("base64")}`;
  for (const authorization of [basic(client.id, client.secret, "bAsIc"), escaped]) {
    isError(await door.form({ grant_type: "authorization_code", code: "x" }, { headers: { authorization } }), 400, "invalid_grant");
  }
  // A plus is a blank, which no secret has.
  const plus = `Basic ${Buffer.from(`${client.id}:+${client.secret}`).toString("base64")}`;
  isRefusedBasic(await door.form({ grant_type: "authorization_code", code: "x" }, { headers: { authorization: plus } }));
});

scenario(59, "RFC 6749 §5.2", "a wrong secret is an invalid_client, with a challenge for Basic alone", async () => {
  const granted = { grant_type: "authorization_code", code: "x" };
  const wrong = ["wrong", "", `vds_${"A".repeat(43)}`];
  for (const secret of wrong) {
    isRefusedBasic(await (await door.client(CONFIDENTIAL)).as("client_secret_basic", secret).ask(granted));
    const posted = await (await door.client(POST)).as("client_secret_post", secret).ask(granted);
    isError(posted, 401, "invalid_client");
    assert.equal(posted.headers.get("www-authenticate"), null);
  }
  const other = await door.client(CONFIDENTIAL);
  isRefusedBasic(await (await door.client(CONFIDENTIAL)).as("client_secret_basic", other.secret).ask(granted));
});

scenario(60, "RFC 7591 §2", "each client authenticates as it registered", async () => {
  const granted = { grant_type: "authorization_code", code: "x" };
  const [byBasic, byPost, open] = [await door.client(CONFIDENTIAL), await door.client(POST), await door.client()];
  for (const client of [byBasic.as("client_secret_post"), byPost.as("client_secret_basic"), open.as("client_secret_post", "s"), open.as("client_secret_basic", "s"), byBasic.as("none"), byPost.as("none")]) {
    isError(await client.ask(granted), 401, "invalid_client");
  }
  for (const client of [byBasic, byPost, open]) isError(await client.ask(granted), 400, "invalid_grant");
});

scenario(61, "RFC 7591 §2", "who registered no method may use either", async () => {
  const client = await door.client({ token_endpoint_auth_method: undefined });
  assert.equal(client.method, "client_secret_basic");
  for (const method of ["client_secret_basic", "client_secret_post"]) assert.ok((await client.as(method).tokens()).access_token);
  isError(await client.as("none").ask({ grant_type: "authorization_code", code: "x" }), 401, "invalid_client");
});

scenario(62, "RFC 6749 §4.1.3", "a client that did not authenticate uses nothing up", async () => {
  const client = await door.client(POST);
  const granted = await client.code();
  isError(await client.as("client_secret_post", "wrong").redeem(granted), 401, "invalid_client");
  isError(await client.as("none").redeem(granted), 401, "invalid_client");
  const answer = await client.redeem(granted);
  assert.equal(answer.status, 200, answer.text);
});

scenario(63, "RFC 6749 §5.2", "unknown grant types are unsupported; none is an invalid request", async () => {
  const client = await door.client();
  for (const grant_type of ["password", "client_credentials", "implicit", "nonsense", "Authorization_Code"]) {
    isError(await client.ask({ grant_type, username: "u", password: "p" }), 400, "unsupported_grant_type");
  }
  isError(await client.ask({ code: "x" }), 400, "invalid_request");
});

scenario(64, "RFC 6749 §5.1", "no token answer is cached, good or bad", async () => {
  const client = await door.client();
  const granted = await client.code();
  const first = await client.redeem(granted, { code_verifier: "x".repeat(43) });
  const answers = [first, await client.redeem(granted)];
  answers.push(await client.refresh(answers[1].json.refresh_token), await client.refresh("x"), await client.revoke("x"), await door.form({}));
  assert.deepEqual(answers.map(({ status }) => status), [400, 200, 200, 400, 200, 401]);
  for (const answer of answers) {
    isNotCached(answer);
    assert.equal(answer.headers.get("pragma"), "no-cache");
  }
});

scenario(65, "RFC 6749 §5.2", "600 characters for a client id or a code are a 4xx (B1)", async () => {
  const client = await door.client();
  const long = "a".repeat(600);
  isError(await door.form({ grant_type: "authorization_code", code: "x", client_id: long }), 401, "invalid_client");
  for (const code of [long, `${long}:b:c`, `vdc_${long}`]) isError(await client.ask({ grant_type: "authorization_code", code }), 400, "invalid_grant");
});

scenario(66, "RFC 6749 §5.1", "a code becomes a bearer token and a refresh token", async () => {
  const client = await door.client();
  const tokens = await client.tokens({ resource: `${door.origin}/mcp/globex` });
  assert.equal(tokens.token_type.toLowerCase(), "bearer");
  assert.ok(tokens.expires_in > 7 * 3600 && tokens.expires_in <= 8 * 3600);
  assert.equal(tokens.scope, INSPECT);
  assert.equal(tokens.resource, `${door.origin}/mcp/globex`);
  assert.ok(tokens.refresh_token);
  await door.works(tokens.access_token, { where: "/mcp/globex" });
  const secrets = await door.world.control("secrets");
  for (const secret of secrets.values) assert.ok(!JSON.stringify(tokens).includes(secret), "no token of Sentry's leaves us (P18)");
});

scenario(67, "RFC 6749 §5.2", "no code is an invalid request, and junk an invalid grant", async () => {
  const client = await door.client();
  for (const more of [{}, { code: "" }]) isError(await client.ask({ grant_type: "authorization_code", ...more }), 400, "invalid_request");
  const other = (await client.tokens()).access_token;
  for (const code of ["a:b", "junk", "vdc_", `vdc_${"A".repeat(86)}`, other]) isError(await client.ask({ grant_type: "authorization_code", code }), 400, "invalid_grant");
});

scenario(68, "RFC 7636 §4.6", "a wrong verifier is refused, and the right one is still good", async () => {
  const client = await door.client();
  const granted = await client.code();
  for (const code_verifier of ["x".repeat(43), "short", `${granted.verifier}x`, "x".repeat(129)]) {
    isError(await client.redeem(granted, { code_verifier }), 400, "invalid_grant");
  }
  assert.equal((await client.redeem(granted)).status, 200);
});

scenario(69, "RFC 7636 §4.6", "a missing verifier is an invalid request", async () => {
  const client = await door.client();
  const granted = await client.code();
  isError(await client.redeem(granted, { code_verifier: undefined }), 400, "invalid_request");
  isError(await client.redeem(granted, { code_verifier: "" }), 400, "invalid_request");
  assert.equal((await client.redeem(granted)).status, 200);
});

const WITHOUT_PKCE = { code_challenge: undefined, code_challenge_method: undefined };

scenario(70, "RFC 9700 §4.8.2", "a verifier without a challenge is refused (PKCE downgrade)", async () => {
  const client = await door.client(POST);
  const granted = await client.code(WITHOUT_PKCE);
  isError(await client.redeem(granted), 400, "invalid_request");
  assert.equal((await client.redeem(granted, { code_verifier: undefined })).status, 200);
});

scenario(71, "OAuth 2.1 §4.1.3", "without PKCE the address must be sent, and with it need not", async () => {
  const client = await door.client(POST);
  const granted = await client.code(WITHOUT_PKCE);
  isError(await client.redeem(granted, { code_verifier: undefined, redirect_uri: undefined }), 400, "invalid_request");
  assert.equal((await client.redeem(granted, { code_verifier: undefined })).status, 200);
  const proven = await client.code();
  assert.equal((await client.redeem(proven, { redirect_uri: undefined })).status, 200);
});

scenario(72, "RFC 6749 §4.1.3", "an address that is not the client's is refused, and the code stays good", async () => {
  const client = await door.client();
  const granted = await client.code();
  isError(await client.redeem(granted, { redirect_uri: "https://evil.example/cb" }), 400, "invalid_grant");
  assert.equal((await client.redeem(granted)).status, 200);
});

scenario(73, "RFC 6749 §4.1.3", "another address of the client's than the code was sent to is refused (B2, ours)", async () => {
  const client = await door.client({ redirect_uris: [REDIRECT, "https://app.example/cb"] });
  const granted = await client.code();
  for (const redirect_uri of ["https://app.example/cb", REDIRECT.replace("3118", "3119")]) {
    isError(await client.redeem(granted, { redirect_uri }), 400, "invalid_grant");
  }
  assert.equal((await client.redeem(granted)).status, 200);
});

scenario(74, "RFC 6749 §5.2", "another client's code is refused, and its own client can still redeem it", async () => {
  const client = await door.client();
  const other = await door.client({ client_name: "Another client" });
  const granted = await client.code();
  isError(await other.redeem(granted), 400, "invalid_grant");
  assert.equal((await client.redeem(granted)).status, 200);
});

scenario(75, "RFC 9700 §4.5", "a code that only looks like another's ends nothing", async () => {
  const client = await door.client();
  const other = await door.client({ client_name: "Another client" });
  const granted = await client.code();
  const tokens = (await client.redeem(granted)).json;
  await door.works(tokens.access_token);
  const changed = `${granted.code.slice(0, 40)}${granted.code.slice(40).replace(/[A-Za-z]/g, (it) => (it === "A" ? "B" : "A"))}`;
  isError(await other.redeem({ ...granted, code: changed }), 400, "invalid_grant");
  isError(await other.redeem(granted), 400, "invalid_grant");
  await door.works(tokens.access_token);
  assert.equal((await client.refresh(tokens.refresh_token)).status, 200);
});

scenario(76, "RFC 6749 §4.1.2", "a code that is redeemed again ends what came of it, here and at Sentry", async () => {
  const client = await door.client();
  const live = await door.liveAtSentry();
  const granted = await client.code();
  const tokens = (await client.redeem(granted)).json;
  await door.works(tokens.access_token);
  assert.equal(await door.liveAtSentry(), live + 1);
  isError(await client.redeem(granted), 400, "invalid_grant");
  await door.isDead(tokens.access_token);
  isError(await client.refresh(tokens.refresh_token), 400, "invalid_grant");
  for (let tries = 0; (await door.liveAtSentry()) > live; tries += 1) {
    assert.ok(tries < 100, "the grant is revoked at Sentry");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

scenario(77, "RFC 6749 §3.3", "scopes can be narrowed; foreign ones are left out, and only foreign ones refused (B12)", async () => {
  const client = await door.client();
  const asked = async (scope) => client.redeem(await client.code(), { scope });
  assert.equal((await asked("org:read event:read")).json.scope, "event:read org:read");
  assert.equal((await asked("org:read nonsense org:admin")).json.scope, "org:read");
  assert.equal((await asked(undefined)).json.scope, INSPECT);
  assert.equal((await asked("claudeai")).json.scope, INSPECT, "a word of the client's own asks for nothing in particular");
  isError(await asked("org:admin"), 400, "invalid_scope");
});

scenario(78, "RFC 8707 §2.2", "a resource can be narrowed, not widened, and then the code stays good", async () => {
  const client = await door.client();
  const granted = await client.code({ resource: `${door.origin}/mcp/globex` });
  for (const resource of [`${door.origin}/mcp`, `${door.origin}/mcp/initech`, "junk"]) {
    isError(await client.redeem(granted, { resource }), 400, "invalid_target");
  }
  const narrow = await client.redeem(granted, { resource: `${door.origin}/mcp/globex/checkout-api` });
  assert.equal(narrow.status, 200, narrow.text);
  await door.works(narrow.json.access_token, { where: "/mcp/globex/checkout-api" });
  await door.isDead(narrow.json.access_token, { where: "/mcp/globex" });
});

scenario(79, "RFC 8707 §2.2", "no resource is the one that was authorized", async () => {
  const client = await door.client();
  const tokens = await client.tokens({ resource: `${door.origin}/mcp/globex` });
  assert.equal(tokens.resource, `${door.origin}/mcp/globex`);
});

shownOnTheHost(80, "RFC 6749 §4.1.2", "a code works for ten minutes", "a_code_works_for_ten_minutes_case_80");

scenario(81, "RFC 6749 §4.1.2", "of 20 redemptions at once one succeeds, and its token works (ours; C1 in races.test.mjs)", async () => {
  const client = await door.client();
  const granted = await client.code();
  const all = await Promise.all(Array.from({ length: 20 }, () => client.redeem(granted)));
  const good = all.filter(({ status }) => status === 200);
  assert.equal(good.length, 1);
  for (const answer of all) if (answer !== good[0]) isError(answer, 400, "invalid_grant");
  await door.works(good[0].json.access_token);
});
