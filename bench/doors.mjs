// The MCP door and its authorization server beside a peer of the npm packages that one would take instead (`bench/peer/`):
//
//     npm run bench -- doors [--rounds 3] [--seconds 4] [--connections 16] [--warm-up 2000]
//                            [--only refresh,tools/list] [--sides ours,peer]
//
// Both run on the same workerd, ask the same fake Sentry, and are loaded in turns, in short rounds, so that what else the
// machine does hits all alike. Each connection is a client of its own that a person let in, with its own tokens.
//
// - `ours` is the built Worker with its Durable Objects on disk.
// - `peer` is the peer with Miniflare's Workers KV, which runs on the same workerd: its processor time is counted.
// - `peer, free KV` is the peer with a map in its own memory in KV's place: what it needs at least, wherever KV runs.
//
// A row has the medians of the rounds and, in brackets, the lowest and the highest. Requests a second and times are those of a
// saturated server: every connection always has a request under way. The processor time is workerd's.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { freePort, launch, node, root, startWorld, workerdPid } from "../tests/browser/world.mjs";
import { authorizeUrl, discover, letIn, refreshForm, register, registration } from "./client.mjs";
import { at, load } from "./load.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    connections: { type: "string", default: "16" },
    "warm-up": { type: "string", default: "2000" },
    only: { type: "string" },
    sides: { type: "string", default: "ours,peer,free" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = Number(values.connections);
const NAMES = { ours: "ours", peer: "peer", free: "peer, free KV" };
/**
 * Before the first round of each, so that no round measures a compilation: V8 compiles wasm and JavaScript once more when they
 * turn out to be used much, which takes as much processor time as thousands of requests do.
 */
const WARM_UP = { most: Number(values["warm-up"]), seconds: 10 };

// ---- what is asked ------------------------------------------------------------------------------------------------------

const rpc = (method, params) => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
const mcp = (body) => ({
  askers: ({ clients }) =>
    clients.map((client) => ({
      next: () => ({
        method: "POST",
        path: "/mcp",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2025-06-18",
          authorization: `Bearer ${client.access}`,
        },
        body,
      }),
    })),
});
const same = (request) => ({ askers: (side) => side.clients.map(() => ({ next: () => request(side) })) });
const pathOf = (url) => new URL(url).pathname + new URL(url).search;

/** @type {Record<string, { askers: (side: any) => any[], status?: number }>} */
const MEASURED = {
  metadata: same(() => ({ path: "/.well-known/oauth-authorization-server" })),
  register: {
    status: 201,
    ...same(({ server }) => ({
      method: "POST",
      path: pathOf(server.registration_endpoint),
      headers: { "content-type": "application/json" },
      body: JSON.stringify(registration()),
    })),
  },
  "authorize page": same(({ server, clients }) => ({ path: pathOf(authorizeUrl(server, clients[0].id)) })),
  refresh: {
    askers: ({ server, clients }) =>
      clients.map((client) => ({
        next: () => ({
          method: "POST",
          path: pathOf(server.token_endpoint),
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: refreshForm(client),
        }),
        took: (body) => {
          const issued = JSON.parse(body);
          [client.access, client.refresh] = [issued.access_token, issued.refresh_token];
        },
      })),
  },
  "tools/list": mcp(rpc("tools/list", {})),
  whoami: mcp(rpc("tools/call", { name: "whoami", arguments: {} })),
  find_organizations: mcp(rpc("tools/call", { name: "find_organizations", arguments: {} })),
};

// ---- the sides ----------------------------------------------------------------------------------------------------------

/** The packages of the peer, as its lock has them. */
function installPeer() {
  const folder = path.join(root, "bench/peer");
  if (fs.existsSync(path.join(folder, "node_modules/.package-lock.json"))) return;
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder, stdio: "inherit" });
}

async function ask({ origin, clients }, method, params) {
  const { headers, body } = mcp(rpc(method, params)).askers({ clients })[0].next();
  const response = await fetch(`${origin}/mcp`, { method: "POST", headers, body });
  assert.equal(response.status, 200, await response.clone().text());
  const { result } = await response.json();
  assert.ok(result && !result.isError, JSON.stringify(result));
  return result;
}

async function readySide(name, origin, pid) {
  const server = await discover(origin);
  const side = { name, origin, pid, server, clients: [] };
  for (let number = 0; number < connections; number += 1) side.clients.push(await letIn(server));
  return side;
}

async function startPeer(kind, { port, vars, tools, state }) {
  const file = path.join(state, `${kind}.json`);
  fs.writeFileSync(
    file,
    JSON.stringify({
      ...vars,
      BASE_URL: `http://127.0.0.1:${port}`,
      PEER_KV: kind === "free" ? "memory" : "miniflare",
    }),
  );
  const running = await launch(node, [
    "bench/peer/serve.mjs",
    "--port",
    String(port),
    "--persist",
    path.join(state, kind),
    "--vars",
    file,
    "--tools",
    tools,
  ]);
  return { running, side: await readySide(kind, running.ready, workerdPid(running.log)) };
}

// ---- the run --------------------------------------------------------------------------------------------------------------

const measured = Object.entries(MEASURED).filter(([name]) => !values.only || values.only.split(",").includes(name));
assert.ok(measured.length, `nothing to measure: ${Object.keys(MEASURED).join(", ")}`);
const kinds = Object.keys(NAMES).filter((kind) => values.sides.split(",").includes(kind));
const peers = kinds.filter((kind) => kind !== "ours");
if (peers.length) installPeer();

const state = fs.mkdtempSync(path.join(os.tmpdir(), "vedette-bench-"));
const ports = Object.fromEntries(await Promise.all(peers.map(async (kind) => [kind, await freePort()])));
const callbacks = Object.values(ports).flatMap((port) => ["--redirect-uri", `http://127.0.0.1:${port}/callback`]);
const world = await startWorld({
  workerArguments: ["--direct"],
  sandboxArguments: ["--requests-per-second", "1000000", ...callbacks],
});
const started = [];
try {
  const sides = [];
  const ours = await readySide("ours", world.worker, world.workerdPid());
  if (kinds.includes("ours")) sides.push(ours);
  const { tools } = await ask(ours, "tools/list", {});
  const file = path.join(state, "tools.json");
  fs.writeFileSync(file, JSON.stringify(tools));
  const vars = {
    SENTRY_HOST: world.sentry,
    SENTRY_CLIENT_ID: "sandbox-client-id",
    SENTRY_CLIENT_SECRET: "sandbox-client-secret",
  };
  for (const kind of peers) {
    const { running, side } = await startPeer(kind, { port: ports[kind], vars, tools: file, state });
    started.push(running);
    sides.push(side);
  }
  // Every side answers what is measured.
  for (const side of sides) {
    const listed = (await ask(side, "tools/list", {})).tools.map(({ name }) => name).sort();
    assert.deepEqual(listed, tools.map(({ name }) => name).sort(), `${side.name} lists other tools`);
    assert.match(JSON.stringify(await ask(side, "tools/call", { name: "whoami", arguments: {} })), /ada@example\.com/);
    assert.match(
      JSON.stringify(await ask(side, "tools/call", { name: "find_organizations", arguments: {} })),
      /globex/,
    );
    assert.ok((await register(side.server)).client_id);
  }

  const idle = await load({
    origin: world.sentry,
    askers: ours.clients.map(() => ({
      next: () => ({ path: "/api/0/", headers: { authorization: "Bearer nobody" } }),
    })),
    ...WARM_UP,
    status: 401,
  });
  const title = `${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, Node ${process.version}, workerd ${JSON.parse(fs.readFileSync(path.join(root, "node_modules/workerd/package.json"), "utf8")).version}`;
  console.log(
    `${title}\n${tools.length} tools, ${connections} connections, ${rounds} rounds of ${seconds} s; the fake Sentry alone: ${idle.rate.toFixed(0)} requests a second\n`,
  );
  console.log(
    "| | side | requests/s | p50 ms | p99 ms | CPU ms/request | ours is faster by | and needs less CPU by |\n|---|---|---|---|---|---|---|---|",
  );

  const median = (all) =>
    at(
      [...all].sort((a, b) => a - b),
      0.5,
    );
  const spread = (all, digits) =>
    `${median(all).toFixed(digits)} (${Math.min(...all).toFixed(digits)}–${Math.max(...all).toFixed(digits)})`;
  for (const [name, { askers, status }] of measured) {
    const results = new Map(sides.map((side) => [side, []]));
    for (const side of sides) {
      await load({ origin: side.origin, askers: askers(side), ...WARM_UP, status, pid: side.pid });
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const side of sides) {
        results
          .get(side)
          .push(await load({ origin: side.origin, askers: askers(side), seconds, status, pid: side.pid }));
      }
    }
    const of = (side, what) => results.get(side).map(what);
    for (const side of sides) {
      const rate = of(side, ({ rate }) => rate);
      const cpu = of(side, ({ cpu }) => cpu ?? Number.NaN);
      const mine = results.get(ours);
      const ratios =
        side === ours || !mine
          ? ["", ""]
          : [
              `${(median(of(ours, ({ rate }) => rate)) / median(rate)).toFixed(1)}×`,
              `${(median(cpu) / median(of(ours, ({ cpu }) => cpu))).toFixed(1)}×`,
            ];
      const times = (part) => median(of(side, ({ times }) => at(times, part))).toFixed(1);
      console.log(
        `| ${side === sides[0] ? name : ""} | ${NAMES[side.name]} | ${spread(rate, 0)} | ${times(0.5)} | ${times(0.99)} | ${spread(cpu, 2)} | ${ratios.join(" | ")} |`,
      );
    }
  }
} catch (error) {
  console.error(error);
  console.error(world.logs().slice(-4000), started.map(({ log }) => log.text.slice(-4000)).join("\n"));
  process.exitCode = 1;
} finally {
  await Promise.all([world.stop(), ...started.map(({ stop }) => stop())]);
  fs.rmSync(state, { recursive: true, force: true });
}
