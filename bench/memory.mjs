// How much memory the Worker's module has taken after many calls; it never gives any back, and an isolate has 128 MB:
//
//     npm run bench -- memory [--calls 0,2000,5000,10000,20000]
//
// The calls are a mix, in this order, again and again: of 20 calls ten are of MCP tools, two list them, four are Slack events of
// 200 people, two read OAuth metadata, and two come with bad tokens. 16 connections each have a call under way. Each Slack event
// is from somebody who has not connected, and is told so in its thread, in the same isolate. Fails when the module grows by more than 1 MiB after the second of `--calls`.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { startWorld } from "../tests/browser/world.mjs";
import { discover, letIn } from "./client.mjs";
import { load } from "./load.mjs";
import { mention, pause, signed } from "./slack.mjs";

const { values } = parseArgs({ options: { calls: { type: "string", default: "0,2000,5000,10000,20000" } } });
const stops = values.calls.split(",").map(Number);
const CONNECTIONS = 16;
const PEOPLE = 200;
const MIB = 1024 * 1024;
const GROWTH = MIB;

const json = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2025-06-18",
};
const rpc = (token, method, params) => ({
  method: "POST",
  path: "/mcp",
  headers: { ...json, authorization: `Bearer ${token}` },
  body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
});
const call =
  (name, args = {}) =>
  (client) =>
    rpc(client.access, "tools/call", { name, arguments: args });
const slack = (client, number) => {
  const { body } = mention({ user: `U0M${String(number % PEOPLE).padStart(4, "0")}`, number, run: "M" });
  return { method: "POST", path: "/slack/events", headers: signed(body), body };
};
const form = { "content-type": "application/x-www-form-urlencoded" };
const refused = (client, number) => ({
  method: "POST",
  path: "/oauth/token",
  headers: form,
  status: 400,
  body: new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: `vdt_rt_${number}.junk`,
    client_id: client.id,
  }).toString(),
});
const MIX = [
  call("whoami"),
  call("find_organizations"),
  slack,
  call("find_organizations"),
  (client) => rpc(client.access, "tools/list", {}),
  call("whoami"),
  () => ({ path: "/.well-known/oauth-authorization-server" }),
  slack,
  call("find_organizations"),
  call("whoami"),
  (_, number) => ({ ...rpc(`junk-${number}`, "tools/list", {}), status: 401 }),
  call("whoami"),
  slack,
  call("find_organizations"),
  (client) => rpc(client.access, "tools/list", {}),
  call("whoami"),
  () => ({ path: "/.well-known/oauth-protected-resource/mcp" }),
  slack,
  call("nothing_by_this_name"),
  refused,
];
assert.equal(MIX.length, 20);

const world = await startWorld({
  workerArguments: ["--direct", "--wasm-memory"],
  sandboxArguments: ["--requests-per-second", "1000000"],
});
try {
  const server = await discover(world.worker);
  const clients = [];
  for (let number = 0; number < CONNECTIONS; number += 1) clients.push(await letIn(server));
  const size = async () => Number(await (await fetch(`${world.worker}/wasm-memory`)).text());
  const resident = () =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${world.workerdPid()}/status`, "utf8"))[1]) * 1024;
  console.log(
    `${os.cpus().length} cores, Node ${process.version}; ${CONNECTIONS} connections, ${PEOPLE} people in Slack\n`,
  );
  console.log("| calls | memory of the module | of the process of workerd |\n|---|---|---|");
  let made = 0;
  const sizes = [];
  for (const stop of stops) {
    const askers = clients.map((client) => ({
      next: () => {
        const number = made++;
        return MIX[number % MIX.length](client, number);
      },
    }));
    if (stop > made) await load({ origin: world.worker, askers, most: stop - made, seconds: 3600 });
    await pause(3000); // until the people of Slack are answered
    sizes.push(await size());
    console.log(`| ${made} | ${(sizes.at(-1) / MIB).toFixed(2)} MiB | ${(resident() / MIB).toFixed(0)} MiB |`);
  }
  const grown = sizes.at(-1) - (sizes[1] ?? sizes[0]);
  console.log(`\nFrom ${stops[1] ?? stops[0]} calls on the module grew by ${(grown / MIB).toFixed(2)} MiB.`);
  if (grown > GROWTH) process.exitCode = 1;
} catch (error) {
  console.error(error);
  console.error(world.logs().slice(-4000));
  process.exitCode = 1;
} finally {
  await world.stop();
}
