// The official TypeScript client of the transport of 2024-11-05 (`GET /sse` and a message path), with its own OAuth.

import assert from "node:assert/strict";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { Host, inOneWorld } from "./harness.mjs";

const peer = inOneWorld();

peer("authorizes, lists and calls over HTTP with server-sent events", async ({ worker }, t) => {
  const host = new Host();
  const make = () => [new Client({ name: "a test", version: "1" }), new SSEClientTransport(new URL("/sse", worker), { authProvider: host })];
  const [nobody, refused] = make();
  await assert.rejects(nobody.connect(refused), UnauthorizedError);
  await refused.finishAuth(host.answer.get("code"));
  const [client, transport] = make();
  t.after(() => client.close());
  await client.connect(transport);
  const { tools } = await client.listTools();
  assert.ok(tools.some((tool) => tool.name === "find_organizations"), JSON.stringify(tools));
  const { content } = await client.callTool({ name: "whoami", arguments: {} });
  assert.match(content[0].text, /ada@example\.com/);
});
