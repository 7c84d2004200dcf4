// The official TypeScript clients with their own OAuth, against the built Worker: version 1 (`@modelcontextprotocol/sdk`, the
// revisions with a handshake) and version 2 (`@modelcontextprotocol/client`, both eras). All that the tests do for them is what
// a host must: keep what they say, and open the browser. Version 1 also over the transport of 2024-11-05.

import assert from "node:assert/strict";
import * as v2 from "@modelcontextprotocol/client";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { REDIRECT, approve, askToken } from "../consent.mjs";
import { inOneWorld } from "./harness.mjs";

const peer = inOneWorld();
const v1 = { Client, StreamableHTTPClientTransport, UnauthorizedError };
const info = { name: "a test", version: "1" };

/** The newest revision that each client settles on, and how it is made. */
const CLIENTS = [
  { title: "version 1", sdk: v1, version: "2025-11-25", make: () => new v1.Client(info) },
  { title: "version 2, with a handshake", sdk: v2, version: "2025-11-25", make: () => new v2.Client(info) },
  { title: "version 2, asking first", sdk: v2, version: "2026-07-28", make: () => new v2.Client(info, { versionNegotiation: { mode: "auto" } }) },
  { title: "version 2, 2026-07-28 only", sdk: v2, version: "2026-07-28", make: () => new v2.Client(info, { versionNegotiation: { mode: { pin: "2026-07-28" } } }) },
];

/** What a host keeps for a client, and the person at the browser. */
class Host {
  kept = {};
  approvals = 0;
  requests = [];

  constructor(clientMetadata = {}) {
    this.redirectUrl = REDIRECT;
    this.clientMetadata = {
      client_name: "A TypeScript client",
      redirect_uris: [REDIRECT],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      ...clientMetadata,
    };
    /** Counts the tokens asked for, by grant. */
    this.fetch = async (url, init) => {
      const grant = new URLSearchParams(typeof init?.body === "string" || init?.body instanceof URLSearchParams ? init.body : "").get("grant_type");
      this.requests.push(grant ?? `${init?.method ?? "GET"} ${new URL(url).pathname}`);
      return fetch(url, init);
    };
  }

  state = () => (this.kept.state = crypto.randomUUID());
  clientInformation = () => this.kept.client;
  saveClientInformation = (client) => void (this.kept.client = client);
  tokens = () => this.kept.tokens;
  saveTokens = (tokens) => void (this.kept.tokens = tokens);
  codeVerifier = () => this.kept.verifier;
  saveCodeVerifier = (verifier) => void (this.kept.verifier = verifier);
  discoveryState = () => this.kept.discovery;
  saveDiscoveryState = (discovery) => void (this.kept.discovery = discovery);

  invalidateCredentials(scope) {
    const fields = { client: ["client"], tokens: ["tokens"], verifier: ["verifier"], discovery: ["discovery"] };
    for (const field of fields[scope] ?? Object.keys(this.kept)) delete this.kept[field];
  }

  async redirectToAuthorization(url) {
    this.approvals += 1;
    this.answer = (await approve(url)).searchParams;
    assert.equal(this.answer.get("state"), this.kept.state);
  }
}

/** A client that is connected, after `work` was begun, refused, and its person sent through the browser. */
async function letIn({ sdk, make }, host, url) {
  const transport = () => new sdk.StreamableHTTPClientTransport(url, { authProvider: host, fetch: host.fetch });
  const refused = transport();
  await assert.rejects(make().connect(refused), sdk.UnauthorizedError);
  await finish(sdk, refused, host);
  await refused.close();
  const client = make();
  const connected = transport();
  await client.connect(connected);
  return { client, transport: connected };
}

/** Version 2 checks `iss` itself; version 1 takes the code alone. */
const finish = (sdk, transport, host) => transport.finishAuth(sdk === v2 ? host.answer : host.answer.get("code"));

const text = (result) => result.content.map((part) => part.text).join("\n");

for (const each of CLIENTS) {
  const { title, sdk, version } = each;

  peer(`${title}: authorizes, lists, calls, refreshes, and authorizes anew after revocation`, async ({ worker }, t) => {
    const host = new Host();
    const { client, transport } = await letIn(each, host, new URL("/mcp", worker));
    t.after(() => client.close());
    assert.equal(transport.protocolVersion ?? client.getNegotiatedProtocolVersion?.(), version);
    assert.equal(client.getServerVersion().name, "vedette");
    assert.ok(client.getInstructions());

    const { tools } = await client.listTools();
    assert.ok(tools.some((tool) => tool.name === "whoami" && tool.outputSchema), JSON.stringify(tools));
    const called = await client.callTool({ name: "whoami", arguments: {} });
    assert.match(text(called), /ada@example\.com/);
    assert.ok(called.structuredContent); // the client has held it against the schema
    const mistaken = await client.callTool({ name: "get_issue_details", arguments: {} });
    assert.equal(mistaken.isError, true);
    assert.match(text(mistaken), /get_issue_details \{"issueId":/);
    assert.ok((await client.listPrompts()).prompts.length > 0);
    assert.ok((await client.listResourceTemplates()).resourceTemplates.length > 0);

    // A token that is no good any more: refreshed without the person.
    host.kept.tokens = { ...host.kept.tokens, access_token: "vda_expired" };
    assert.match(text(await client.callTool({ name: "whoami", arguments: {} })), /ada@example\.com/);
    assert.equal(host.approvals, 1);
    assert.deepEqual(host.requests.filter((it) => /^(auth|refresh)/.test(it)), ["authorization_code", "refresh_token"]);

    // Everything is revoked: the person is asked again.
    const revoked = await askToken(worker, host.kept.client, { token: host.kept.tokens.refresh_token }, "revocation_endpoint");
    assert.equal(revoked.status, 200);
    await assert.rejects(client.callTool({ name: "whoami", arguments: {} }), sdk.UnauthorizedError);
    assert.equal(host.approvals, 2);
    await finish(sdk, transport, host);
    assert.match(text(await client.callTool({ name: "whoami", arguments: {} })), /ada@example\.com/);
    assert.equal(host.requests.filter((it) => it.endsWith("/oauth/register")).length, 1);
  });
}

for (const each of [CLIENTS[0], CLIENTS[2]]) {
  for (const method of ["client_secret_basic", "client_secret_post"]) {
    peer(`${each.title}: a confidential client of one project, ${method}`, async ({ worker }, t) => {
      const host = new Host({ token_endpoint_auth_method: method });
      const { client } = await letIn(each, host, new URL("/mcp/globex/checkout-api", worker));
      t.after(() => client.close());
      assert.ok(host.kept.client.client_secret);
      const { tools } = await client.listTools();
      const search = tools.find((tool) => tool.name === "search_issues");
      assert.ok(!("organizationSlug" in search.inputSchema.properties), "what the address fixes is no argument");
      assert.match(text(await client.callTool({ name: "search_issues", arguments: {} })), /CHECKOUT-API-4F/);
    });
  }
}

for (const each of [CLIENTS[0], CLIENTS[2]]) {
  const { title, sdk } = each;

  peer(`${title}: authorizes anew when Sentry has ended the grant`, async ({ worker, control }, t) => {
    const host = new Host();
    const { client, transport } = await letIn(each, host, new URL("/mcp", worker));
    t.after(() => client.close());
    assert.match(text(await client.callTool({ name: "whoami", arguments: {} })), /ada@example\.com/);
    await control("sentry/tokens", { action: "revoke_all" });
    await assert.rejects(client.callTool({ name: "find_organizations", arguments: {} }), sdk.UnauthorizedError);
    assert.equal(host.approvals, 2);
    await finish(sdk, transport, host);
    assert.match(text(await client.callTool({ name: "find_organizations", arguments: {} })), /globex/);
  });
}

/**
 * What a call told of itself, and what it answered. Sentry is slow once: version 1 handles an answer at once and a notification a
 * moment later, so of two that come in one piece it loses the notification.
 */
async function told(client, control) {
  await control("faults", { side: "sentry", match: "*issues/", kind: "delay", ms: 3000, times: 1 });
  const steps = [];
  const onprogress = ({ progress, message }) => steps.push({ progress, message });
  const answer = await client.callTool({ name: "search_issues", arguments: {} }, undefined, { onprogress });
  assert.match(text(answer), /CHECKOUT-API-4F/);
  assert.deepEqual(steps.filter(({ message }) => message.startsWith("Asking")), [{ progress: 1, message: "Asking Sentry for issues" }]);
}

peer("version 1: a call tells how it goes", async ({ worker, control }, t) => {
  const { client } = await letIn(CLIENTS[0], new Host(), new URL("/mcp/globex", worker));
  t.after(() => client.close());
  await told(client, control);
});

peer("version 1, over the transport of 2024-11-05: authorizes, lists, calls, and many at once", async ({ worker, control }, t) => {
  const host = new Host();
  const transport = () => new SSEClientTransport(new URL("/sse/globex", worker), { authProvider: host, fetch: host.fetch });
  const refused = transport();
  await assert.rejects(new Client(info).connect(refused), UnauthorizedError);
  await finish(v1, refused, host);
  await refused.close();
  const client = new Client(info);
  t.after(() => client.close());
  await client.connect(transport());
  assert.equal(client.getServerVersion().name, "vedette");
  assert.ok((await client.listTools()).tools.some((tool) => tool.name === "search_issues"));
  await told(client, control);
  const many = Array.from({ length: 10 }, () => client.callTool({ name: "whoami", arguments: {} }));
  for (const answer of await Promise.all(many)) assert.match(text(answer), /ada@example\.com/);
  assert.equal(host.approvals, 1);
});
