// What the runtime leaves room for: a Worker of twenty lines of JavaScript that does as little as can be of what a tool call does.
//
//     npm run bench -- floor [--rounds 3] [--seconds 3]
//
// It answers with as many headers as every answer of ours has, and before that calls a Durable Object, by `fetch` or by RPC, asks
// the fake Sentry, or both. Medians of the rounds, taken in turns; loaded as `doors` loads.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { freePort, root, startWorld } from "../tests/browser/world.mjs";
import { at, load, workerdChild } from "./load.mjs";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, seconds: { type: "string", default: "3" } },
});
const require = createRequire(fs.realpathSync(path.join(root, "node_modules/wrangler/package.json")));
const { Miniflare, Log, LogLevel, convertV4MiniflareOptions } = require("miniflare");
const [, compatibilityDate] = /^compatibility_date = "(.*)"$/m.exec(
  fs.readFileSync(path.join(root, "wrangler.toml"), "utf8"),
);

const PATHS = {
  "/": "an answer of two bytes with eight headers",
  "/fetch-object": "the same after a call of a Durable Object, by fetch",
  "/call-object": "the same by RPC",
  "/sentry": "after a fetch of the fake Sentry",
  "/fetch-object/sentry": "after both",
};
const CONNECTIONS = 16;

const script = `
  import { DurableObject } from "cloudflare:workers";
  const headers = { "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff",
    "x-frame-options": "DENY", "referrer-policy": "no-referrer", "content-security-policy": "default-src 'none'",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin" };
  export class Idle extends DurableObject {
    async fetch(request) { await request.arrayBuffer(); return new Response("{}"); }
    hello() { return "{}"; }
  }
  export default {
    async fetch(request, { IDLE, SENTRY }) {
      const { pathname } = new URL(request.url);
      await request.arrayBuffer();
      const object = () => IDLE.getByName(request.headers.get("x-name"));
      if (pathname.includes("fetch-object")) await (await object().fetch("https://object/", { method: "POST", body: "{}" })).arrayBuffer();
      if (pathname.includes("call-object")) await object().hello();
      if (pathname.includes("sentry")) await (await fetch(SENTRY, { headers: { authorization: "Bearer nobody" } })).arrayBuffer();
      return new Response("{}", { headers });
    },
  };
`;

const world = await startWorld({ sandboxArguments: ["--requests-per-second", "1000000"] });
const port = await freePort();
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    workers: [
      {
        name: "floor",
        compatibilityDate,
        modules: [{ type: "ESModule", path: "floor.mjs", contents: script }],
        bindings: { SENTRY: `${world.sentry}/api/0/` },
        durableObjects: { IDLE: { className: "Idle", useSQLite: true } },
        unsafeDirectSockets: [{ host: "127.0.0.1", port }],
      },
    ],
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.ERROR),
  }),
);
try {
  await miniflare.ready;
  const pid = workerdChild();
  const askers = (where) =>
    Array.from({ length: CONNECTIONS }, (_, nth) => ({
      next: () => ({
        method: "POST",
        path: where,
        headers: { "content-type": "application/json", "x-name": String(nth) },
        body: "{}",
      }),
    }));
  const origin = `http://127.0.0.1:${port}`;
  const results = Object.fromEntries(Object.keys(PATHS).map((where) => [where, []]));
  for (const where of Object.keys(PATHS)) await load({ origin, askers: askers(where), most: 2000, seconds: 10 });
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [where, all] of Object.entries(results)) {
      all.push(await load({ origin, askers: askers(where), seconds: Number(values.seconds), pid }));
    }
  }
  console.log("| | requests/s | CPU ms/request |\n|---|---|---|");
  const median = (all) =>
    at(
      all.sort((a, b) => a - b),
      0.5,
    );
  for (const [where, all] of Object.entries(results)) {
    console.log(
      `| ${PATHS[where]} | ${median(all.map(({ rate }) => rate)).toFixed(0)} | ${median(all.map(({ cpu }) => cpu ?? Number.NaN)).toFixed(2)} |`,
    );
  }
} finally {
  await Promise.all([miniflare.dispose(), world.stop()]);
}
