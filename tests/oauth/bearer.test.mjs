// Cases 13 to 29: access tokens at the MCP door.

import assert from "node:assert/strict";
import { challenge, isAFault, isError, isNotCached, openDoor, scenario, shownOnTheHost } from "./door.mjs";

const door = openDoor();
const PAGE = { origin: "https://inspector.example" };

/** Fails unless this is the bare challenge: sign in, and nothing is wrong with what you sent, for you sent nothing. */
function isBare(answer, place = "/mcp") {
  assert.equal(answer.status, 401, answer.text);
  const { scheme, parameters } = challenge(answer);
  assert.equal(scheme, "Bearer");
  assert.equal(parameters.resource_metadata, `${door.origin}/.well-known/oauth-protected-resource${place}`);
  assert.ok(!("error" in parameters), JSON.stringify(parameters));
  assert.ok(parameters.scope.split(" ").includes("org:read"), JSON.stringify(parameters));
  isNotCached(answer);
}

scenario(13, "RFC 6750 §3", "without a token there is one challenge, without an error", async () => {
  const answer = await door.tools(undefined);
  isBare(answer);
  assert.equal(answer.json.jsonrpc, "2.0", "the door speaks its own format (ours)");
});

scenario(14, "RFC 6750 §3", "another scheme is no token", async () => {
  for (const other of ["Basic dTpw", "Digest x=y", "Bear abc"]) isBare(await door.tools(other));
});

scenario(15, "RFC 9728 §5.1", "the challenge leads to the metadata of the place that was asked for", async () => {
  for (const place of ["/mcp", "/mcp/globex", "/mcp/globex/checkout-api"]) {
    const answer = await door.tools(undefined, { where: place });
    isBare(answer, place);
    const led = await door.ask(challenge(answer).parameters.resource_metadata);
    assert.equal(led.json.resource, `${door.origin}${place}`);
  }
});

scenario(16, "RFC 6750 §3.1", "garbage is an invalid_token; the scheme's case does not matter (B9)", async () => {
  for (const garbage of ["Bearer garbage", "bearer garbage", "BEARER garbage", "Bearer vda_garbage", `Bearer vda_${"A".repeat(86)}`]) {
    isNotCached(await door.isDead(garbage));
  }
});

scenario(17, "RFC 6750 §2", "a token counts in the header alone", async () => {
  const { access_token } = await (await door.client()).tokens();
  isBare(await door.tools(undefined, { where: `/mcp?access_token=${access_token}` }));
  const form = await door.ask("/mcp", { method: "POST", body: new URLSearchParams({ access_token }) });
  isBare(form);
  await door.works(access_token);
});

scenario(18, "RFC 6750 §2.1", "a good token opens the door, with its person's own access", async () => {
  const { access_token } = await (await door.client()).tokens({}, { account: "grace@example.com" });
  const { json } = await door.works(access_token);
  assert.ok(json.result.tools.some((tool) => tool.name === "whoami"));
  const who = await door.works(access_token, { call: "whoami" });
  assert.match(who.text, /grace@example\.com/);
  await door.works(`bearer ${access_token}`);
});

shownOnTheHost(19, "RFC 6750 §3.1", "an expired token is an invalid_token", "an_access_token_works_for_eight_hours_case_19");

scenario(20, "Fetch, CORS", "a page can read the challenge", async () => {
  const answer = await door.tools("Bearer garbage", { headers: PAGE });
  const exposed = answer.headers.get("access-control-expose-headers");
  for (const name of ["WWW-Authenticate", "Retry-After"]) assert.match(exposed, new RegExp(name, "i"));
});

scenario(21, "Fetch, CORS", "what the door itself exposes is there too", async () => {
  const { access_token } = await (await door.client()).tokens();
  const answer = await door.works(access_token, { headers: PAGE });
  const exposed = answer.headers.get("access-control-expose-headers");
  for (const name of ["WWW-Authenticate", "Retry-After", "Mcp-Session-Id"]) assert.match(exposed, new RegExp(name, "i"));
});

scenario(22, "RFC 8707 §2", "a token is no good at another resource, and is told that it is the address", async () => {
  const resource = `${door.origin}/mcp/globex`;
  const { access_token } = await (await door.client()).tokens({ resource });
  await door.works(access_token, { where: "/mcp/globex" });
  for (const where of ["/mcp", "/mcp/initech", "/mcp/initech/checkout-api"]) {
    const answer = await door.isDead(access_token, { where });
    assert.match(challenge(answer).parameters.error_description, /another address/);
  }
});

scenario(23, "RFC 8707 §2", "what is within the resource is open: below it, with a slash, with a query", async () => {
  const { access_token } = await (await door.client()).tokens();
  for (const where of ["/mcp", "/mcp/", "/mcp?x=1", "/mcp/globex", "/mcp/globex/checkout-api"]) await door.works(access_token, { where });
});

scenario(24, "RFC 8707 §2", "a resource ends at a slash: a longer name is another place (B9)", async () => {
  const client = await door.client();
  const { access_token } = await client.tokens({ resource: `${door.origin}/mcp/globex` });
  await door.isDead(access_token, { where: "/mcp/globex-other" });
  assert.equal((await door.tools((await client.tokens()).access_token, { where: "/mcpfoo" })).status, 404);
});

scenario(25, "RFC 8707 §2", "a resource has no query, so none can be lost", async () => {
  const client = await door.client();
  isAFault(await client.authorization({ resource: `${door.origin}/mcp?tenant=one` }), "invalid_target");
  const granted = await client.code();
  isError(await client.redeem(granted, { resource: `${door.origin}/mcp?tenant=one` }), 400, "invalid_target");
});

scenario(26, "RFC 8707 §2", "another host, port or scheme is another resource", async () => {
  const client = await door.client();
  const granted = await client.code();
  const { port } = new URL(door.origin);
  for (const origin of ["https://evil.example", `http://127.0.0.1:${Number(port) + 1}`, `http://localhost:${port}`, `https://127.0.0.1:${port}`]) {
    isAFault(await client.authorization({ resource: `${origin}/mcp` }), "invalid_target");
    isError(await client.redeem(granted, { resource: `${origin}/mcp` }), 400, "invalid_target");
  }
  // The address is the configured one, whatever a request calls it.
  const { access_token } = (await client.redeem(granted)).json;
  await door.works(access_token, { headers: { "x-forwarded-host": "evil.example" } });
});

scenario(27, "RFC 8707 §2", "one resource at a time (ours); that of the whole door is good at each place within", async () => {
  const client = await door.client();
  const other = `${door.origin}/mcp/globex`;
  isAFault(await client.authorization({}, [["resource", other]]), "invalid_target");
  const same = await client.authorization({}, [["resource", `${door.origin}/mcp`]]);
  assert.equal(same.status, 200, "the same one twice is one");
  const { access_token } = await client.tokens();
  for (const where of ["/mcp", "/mcp/globex"]) await door.works(access_token, { where });
});

scenario(28, "RFC 6750 §3.1", "a Sentry token is asked about at Sentry; a missing permission is a 403 that names it", async () => {
  const unknown = await door.tools("Sentry-Bearer sntryu_nobodys");
  assert.equal(unknown.status, 401);
  assert.equal(challenge(unknown).parameters.error, "invalid_token");
  const { access_token } = await (await door.client()).tokens({}, { account: "grace@example.com" });
  await door.world.control("sentry/tokens", { action: "narrow", scopes: ["org:read"], account: "grace@example.com" });
  const message = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "search_issues", arguments: { organizationSlug: "umbrella" } } };
  const headers = { "content-type": "application/json", accept: "application/json", authorization: `Bearer ${access_token}` };
  const answer = await door.ask("/mcp", { method: "POST", headers, body: JSON.stringify(message) });
  assert.equal(answer.status, 403, answer.text);
  const { scheme, parameters } = challenge(answer);
  assert.equal(scheme, "Bearer");
  assert.equal(parameters.error, "insufficient_scope");
  assert.match(parameters.scope, /event:read/);
  assert.ok(parameters.resource_metadata);
});

scenario(29, "RFC 6750 §3.1", "a token of three long parts is an invalid_token, never a 500 (B1)", async () => {
  await door.isDead(`Bearer ${"a".repeat(600)}:b:c`);
});
