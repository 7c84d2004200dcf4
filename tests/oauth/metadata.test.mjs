// Cases 1 to 12: what clients read first.

import assert from "node:assert/strict";
import { openDoor, scenario } from "./door.mjs";

const door = openDoor();
const SERVER = "/.well-known/oauth-authorization-server";
const RESOURCE = "/.well-known/oauth-protected-resource";
const PLACES = ["/mcp", "/mcp/globex", "/mcp/globex/checkout-api"];
const metadata = async () => (await door.ask(SERVER)).json;

scenario(1, "RFC 8414 §3", "the server's metadata is JSON, names the origin as issuer, and its endpoints are absolute", async () => {
  const answer = await door.ask(SERVER);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^application\/json/);
  assert.equal(answer.json.issuer, door.origin, "without a slash at its end");
  const endpoints = Object.entries(answer.json).filter(([name]) => name.endsWith("_endpoint"));
  assert.ok(endpoints.length >= 4);
  for (const [, url] of endpoints) assert.ok(url.startsWith(`${door.origin}/oauth/`), url);
  // An issuer with a path would be named there (RFC 8414 §3.3), and there is none.
  for (const elsewhere of [...PLACES.map((place) => `${SERVER}${place}`), `${SERVER}/x`, `${SERVER}/mcpfoo`, `${SERVER}/mcp/a/b/c`]) assert.equal((await door.ask(elsewhere)).status, 404);
  assert.equal((await door.ask(SERVER, { method: "POST" })).status, 405);
});

scenario(2, "RFC 7636 §4.2", "S256 is the only challenge method", async () => {
  assert.deepEqual((await metadata()).code_challenge_methods_supported, ["S256"]);
});

scenario(3, "RFC 8414 §2", "codes in the query are the only answers: no implicit flow, no fragments", async () => {
  const { response_types_supported, response_modes_supported, grant_types_supported } = await metadata();
  assert.deepEqual(response_types_supported, ["code"]);
  assert.deepEqual(response_modes_supported, ["query"]);
  assert.deepEqual(grant_types_supported, ["authorization_code", "refresh_token"]);
});

scenario(4, "RFC 8414 §2", "the three ways to authenticate and the revocation endpoint are announced", async () => {
  const all = await metadata();
  for (const endpoint of ["token", "revocation"]) {
    const methods = all[`${endpoint}_endpoint_auth_methods_supported`];
    assert.deepEqual(methods, ["none", "client_secret_basic", "client_secret_post"]);
  }
  assert.ok(all.revocation_endpoint);
});

scenario(5, "RFC 9207 §3", "iss in redirects is announced", async () => {
  assert.equal((await metadata()).authorization_response_iss_parameter_supported, true);
});

scenario(6, "RFC 7591 §3", "registration is always on: announced, answered there, and nowhere else", async () => {
  const { registration_endpoint } = await metadata();
  assert.equal((await door.ask(registration_endpoint, { method: "POST", body: "{}" })).status, 400);
  assert.equal((await door.ask("/register", { method: "POST", body: "{}" })).status, 404);
});

scenario(7, "RFC 9728 §3.1", "each resource has metadata that names it and its server", async () => {
  for (const place of PLACES) {
    const { status, json } = await door.ask(`${RESOURCE}${place}`);
    assert.equal(status, 200);
    assert.equal(json.resource, `${door.origin}${place}`);
    assert.deepEqual(json.authorization_servers, [door.origin]);
    assert.deepEqual(json.bearer_methods_supported, ["header"]);
  }
});

scenario(8, "RFC 9728 §3", "the origin is no resource, so nothing describes it", async () => {
  assert.equal((await door.ask(RESOURCE)).status, 404);
  assert.equal((await door.ask(`${RESOURCE}/`)).status, 404);
});

scenario(9, "RFC 9728 §3.3", "a path that is no resource has no metadata", async () => {
  for (const place of ["/elsewhere", "/mcpfoo", "/mcp/globex/api/more", "/mcp/a%2fb", "/oauth/token"]) {
    assert.equal((await door.ask(`${RESOURCE}${place}`)).status, 404, place);
  }
});

scenario(10, "RFC 9728 §2", "scopes are named once each, and offline_access is none of a resource", async () => {
  for (const where of [SERVER, `${RESOURCE}/mcp`]) {
    const { scopes_supported } = (await door.ask(where)).json;
    assert.ok(scopes_supported.includes("org:read"));
    assert.equal(new Set(scopes_supported).size, scopes_supported.length);
    assert.ok(!scopes_supported.includes("offline_access"));
  }
});

scenario(11, "Fetch, CORS", "each address that clients call answers a preflight, and lets the page read", async () => {
  const headers = { origin: "https://inspector.example", "access-control-request-method": "POST", "access-control-request-headers": "authorization,sentry-trace,traceparent" };
  for (const where of [SERVER, `${RESOURCE}/mcp`, "/oauth/token", "/oauth/register", "/oauth/revoke", "/mcp", "/mcp/globex"]) {
    const answer = await door.ask(where, { method: "OPTIONS", headers });
    assert.equal(answer.status, 204, where);
    assert.ok(["*", headers.origin].includes(answer.headers.get("access-control-allow-origin")), where);
    assert.equal(answer.headers.get("access-control-max-age"), "86400");
    assert.match(answer.headers.get("access-control-allow-headers"), /authorization/i);
    if (!where.startsWith("/mcp")) assert.match(answer.headers.get("access-control-allow-headers"), /traceparent/);
    assert.equal(answer.headers.get("access-control-allow-credentials"), null);
  }
  assert.equal((await door.ask("/oauth/authorize", { method: "OPTIONS", headers })).headers.get("access-control-allow-origin"), null);
});

scenario(12, "Fetch, CORS", "what depends on the origin says so (B10): /mcp varies, and the rest is the same for everybody", async () => {
  const quiet = await door.ask("/mcp", { method: "POST" });
  assert.equal(quiet.headers.get("access-control-allow-origin"), null);
  assert.match(quiet.headers.get("vary"), /origin/i);
  const named = await door.ask("/mcp", { method: "POST", headers: { origin: "https://inspector.example" } });
  assert.equal(named.headers.get("access-control-allow-origin"), "https://inspector.example");
  assert.match(named.headers.get("vary"), /origin/i);
  for (const headers of [{}, { origin: "https://inspector.example" }]) {
    assert.equal((await door.ask(SERVER, { headers })).headers.get("access-control-allow-origin"), "*");
  }
});
