// Cases 121 to 126: clients that describe themselves (Client ID Metadata Documents). Their descriptions are served by this
// file, over http on loopback, which a Worker accepts only when it is itself at such an address. That private hosts and
// numbers are refused elsewhere is shown on the host.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Client, REDIRECT, isAFault, isAsked, isError, openDoor, scenario, shownOnTheHost, staysHere } from "./door.mjs";

const door = openDoor();

/** Where applications describe themselves: what is at a path, and who came for it. */
const pages = new Map();
const visits = [];
let host;
const server = http.createServer((request, response) => {
  visits.push(request.url);
  const { status = 200, headers = {}, body, stall } = pages.get(request.url) ?? { status: 404, body: "no" };
  response.writeHead(status, { "content-type": "application/json", ...headers });
  if (stall) response.write(" ");
  else response.end(body);
});
before(async () => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

let made = 0;

/** Puts a description at a path of its own: `page` says how it is served, `fields` what it says beyond the usual. */
function described(fields = {}, page = {}) {
  const path = `/client-${(made += 1)}.json`;
  const usual = { client_id: host + path, client_name: "A client that describes itself", redirect_uris: [REDIRECT], token_endpoint_auth_method: "none", grant_types: ["authorization_code", "refresh_token"] };
  const all = Object.fromEntries(Object.entries({ ...usual, ...fields }).filter(([, value]) => value !== undefined));
  pages.set(path, { body: JSON.stringify(all), ...page });
  return at(host + path);
}

/** The client with this id. */
const at = (client_id) => new Client(door, { client_id, redirect_uris: [REDIRECT], token_endpoint_auth_method: "none" });
const comesFor = (client) => visits.filter((path) => host + path === client.id).length;

scenario(121, "CIMD §4", "a client with a good description goes the whole way, and that is announced", async () => {
  assert.equal((await door.ask("/.well-known/oauth-authorization-server")).json.client_id_metadata_document_supported, true);
  const client = described();
  const page = await client.authorization();
  isAsked(page);
  assert.ok(page.text.includes(new URL(host).host), "the page names the host that speaks for the client");
  const tokens = await client.tokens();
  await door.works(tokens.access_token);
  const next = await client.refresh(tokens.refresh_token);
  assert.equal(next.status, 200, next.text);
  isError(await described().refresh(next.json.refresh_token), 400, "invalid_grant");
  assert.equal((await client.revoke(next.json.refresh_token)).status, 200);
  await door.isDead(next.json.access_token);
  staysHere(await client.authorization({ redirect_uri: "https://evil.example/cb" }));
  isAFault(await client.authorization({ code_challenge_method: "plain" }), "invalid_request");
});

scenario(122, "CIMD §4.1, §6.6", "a description that is wrong, too long, late or not there is refused, and nobody is sent anywhere", async () => {
  const bad = [
    described({ client_id: `${host}/another.json` }),
    described({ client_id: undefined }),
    described({ client_name: undefined }),
    described({ client_name: "" }),
    described({ redirect_uris: [] }),
    described({ redirect_uris: undefined }),
    described({ redirect_uris: ["javascript:alert(1)"] }),
    described({ client_name: "a".repeat(5_200) }),
    described({}, { body: `{"client_id":${" ".repeat(6_000)}}` }),
    described({}, { status: 404 }),
    described({}, { status: 500 }),
    described({}, { headers: { "content-type": "text/html" } }),
    described({}, { body: "no JSON" }),
    described({}, { body: "[]" }),
    described({}, { body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) }),
    at(`${host}/nobody-put-it-there.json`),
  ];
  await Promise.all(bad.map(async (client) => staysHere(await client.authorization())));
  for (const client of bad) assert.equal(comesFor(client), 1, client.id);
  const late = described({}, { stall: true });
  const began = Date.now();
  staysHere(await late.authorization());
  assert.ok(Date.now() - began < 15_000, "ten seconds, the body included");
});

scenario(123, "CIMD §4.1", "a description that holds a secret, or offers no way without one, is refused", async () => {
  for (const fields of [
    { client_secret: "s" },
    { client_secret_expires_at: 0 },
    { jwks: { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y", d: "private" }] } },
    { jwks: { keys: [{ kty: "oct", k: "private" }] } },
    { token_endpoint_auth_method: "client_secret_basic" },
    { token_endpoint_auth_method: "client_secret_post" },
    { token_endpoint_auth_method: "client_secret_jwt" },
    { token_endpoint_auth_method: "private_key_jwt" },
    { token_endpoint_auth_method: "none", token_endpoint_auth_methods_supported: ["none", "client_secret_basic"] },
    { token_endpoint_auth_method: "none", token_endpoint_auth_methods_supported: ["private_key_jwt"] },
  ]) {
    staysHere(await described(fields).authorization());
  }
});

scenario(124, "CIMD §3", "an id that is no plain address is never fetched", async () => {
  const before = visits.length;
  const { port } = new URL(host);
  for (const id of [
    host, `${host}?x=/y`, `http://user@127.0.0.1:${port}/c`, `http://user:pass@127.0.0.1:${port}/c`, `${host}/c#f`, `${host}/c#`,
    `${host}/a/../c`, `${host}/./c`, `${host}/a/%2e%2e/c`, `${host}\\c`, `${host}/c\n`, ` ${host}/c`, `${host}/c d`, `HTTP://127.0.0.1:${port}/c`,
    `http://127.1:${port}/c`, `http://2130706433:${port}/c`, `http://0x7f.0.0.1:${port}/c`, `${host}/${"a".repeat(600)}`, `ftp://127.0.0.1:${port}/c`,
    "http://app.example/c", "https://10.0.0.1/c", "https://[::1]/c", "https://metadata.internal/c", `${door.origin}/c`,
  ]) {
    staysHere(await at(id).authorization());
    isError(await at(id).ask({ grant_type: "authorization_code", code: "x" }), 401, "invalid_client");
  }
  assert.equal(visits.length, before);
});

shownOnTheHost("124b", "CIMD §6.5", "nor is a private host, however it is written", "anything_else_is_never_fetched_case_124", "no_address_in_numbers_and_no_private_name_is_fetched");

scenario(125, "CIMD §4.1", "what Claude and ChatGPT say of themselves is good: a grant more, a method that we lack with one that we have", async () => {
  const claude = described({ client_name: "Claude", grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"], response_types: ["code"] });
  const chatgpt = described({ client_name: "ChatGPT", token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_methods_supported: ["none", "private_key_jwt"], jwks_uri: "https://chatgpt.example/jwks.json" });
  for (const client of [claude, chatgpt]) assert.ok((await client.tokens()).refresh_token);
});

scenario(126, "CIMD §4.4, §6.5", "a good description is kept as long as it says, a bad one never, and a redirect is not followed (B14, ours)", async () => {
  const kept = described({}, { headers: { "cache-control": "max-age=60" } });
  for (let times = 0; times < 3; times += 1) isAsked(await kept.authorization());
  assert.equal(comesFor(kept), 1);
  const fresh = described({}, { headers: { "cache-control": "no-store" } });
  for (let times = 0; times < 2; times += 1) isAsked(await fresh.authorization());
  assert.equal(comesFor(fresh), 2);
  const brief = described({}, { headers: { "cache-control": "max-age=1" } });
  isAsked(await brief.authorization());
  await pause(1_100);
  isAsked(await brief.authorization());
  assert.equal(comesFor(brief), 2);

  const mended = described({}, { status: 500, headers: { "cache-control": "max-age=60" } });
  staysHere(await mended.authorization());
  pages.get(new URL(mended.id).pathname).status = 200;
  isAsked(await mended.authorization());

  const target = described();
  const page = pages.get(new URL(target.id).pathname);
  for (const status of [301, 302, 307, 308]) {
    const moved = described({}, { status, headers: { location: target.id } });
    pages.set("/said-as-its-own.json", { ...page });
    staysHere(await moved.authorization());
    assert.equal(comesFor(moved), 1);
  }
  assert.equal(comesFor(target), 0, "no redirect is followed");
});
