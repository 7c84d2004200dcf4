// Runs the built Worker on workerd, for tests:
//
//     node tests/worker.mjs --port P --persist DIR --vars FILE.json [--upstream URL] [--limits] [--count-object-calls]
//                            [--direct] [--wasm-memory]
//
// - The bindings, the compatibility date and the defaults of the variables are wrangler.toml's; FILE.json, an object of
//   strings, overrides the variables. `.dev.vars` is not read.
// - KV and Durable Objects are kept under DIR. Start again with the same DIR to go on.
// - With `--upstream`, a request of the Worker to any host but a loopback one goes to URL (same method, path, headers
//   and body) with its real address in the header `x-sandbox-url`. A connection that the upstream drops, before or
//   within its answer, is dropped for the Worker too. Without it, requests go where they say.
// - With `--direct`, the port is the Worker's own, without Miniflare's Worker in front of it: what a benchmark measures.
// - With `--limits`, requests are counted by wrangler.toml's rate limits. Without it, nothing is: tests ask thousands of
//   times from one address.
// - With `--count-object-calls`, `GET /count-object-calls` says how many requests Durable Objects got since workerd started,
//   by class: `{"Person":0,"Session":3}`. They are counted where they arrive.
// - With `--wasm-memory`, `GET /wasm-memory` says how many bytes of memory the Worker's module has. It never gives any back.
//   `POST /leave` with `{ path, method, headers, body, number, atOnce, milliseconds }` sends the Worker that request so many
//   times, through a service binding, and aborts each after so long: the runtime cancels what a binding's caller aborts, and
//   locally nothing else. It answers `{ answered, left }`.
// - Standard output: `workerd PID`, then `ready http://127.0.0.1:P`. Standard error: what the Worker logs.
// - workerd may be killed at any time: it is started again on the same port, with a `workerd PID` and a `ready` line.
// - Ends, and workerd with it, on SIGTERM, on SIGINT, and when standard input closes.
//
// Needs Node 22.12 or newer, which node_modules/.bin/node is.

import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(fs.realpathSync(path.join(root, "node_modules/wrangler/package.json")));

process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
process.env.WRANGLER_SEND_METRICS = "false";

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    persist: { type: "string" },
    vars: { type: "string" },
    upstream: { type: "string" },
    direct: { type: "boolean", default: false },
    limits: { type: "boolean", default: false },
    "count-object-calls": { type: "boolean", default: false },
    "wasm-memory": { type: "boolean", default: false },
  },
});
if (!options.persist) fail("--persist DIR is missing");
if (!fs.existsSync(path.join(root, "build/index_bg.wasm"))) fail("the Worker is not built: run `npm run build`");

// ---- the Worker, as wrangler.toml describes it --------------------------------------------------------------------

/** wrangler takes a second to load: what it makes of wrangler.toml is kept. */
function workerOptions() {
  const config = path.join(root, "wrangler.toml");
  const { version } = require("./package.json");
  const key = createHash("sha256").update(version).update(root).update(fs.readFileSync(config)).digest("hex").slice(0, 16);
  const kept = path.join(root, ".wrangler", `worker-options-${key}.json`);
  try {
    return JSON.parse(fs.readFileSync(kept, "utf8"));
  } catch {
    // not there yet
  }
  // An env file that does not exist keeps wrangler from reading .dev.vars and .env.
  const { workerOptions } = require("wrangler").unstable_getMiniflareWorkerOptions(config, undefined, {
    envFiles: [path.join(root, "node_modules/.no-env")],
  });
  const text = JSON.stringify(workerOptions);
  fs.mkdirSync(path.dirname(kept), { recursive: true });
  fs.writeFileSync(`${kept}.${process.pid}`, text);
  fs.renameSync(`${kept}.${process.pid}`, kept); // tests run side by side
  return JSON.parse(text);
}

// ---- the way out --------------------------------------------------------------------------------------------------

const isLoopback = (host) => host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);

/** An HTTP proxy on loopback that sends everything but loopback to `upstream`. */
async function wayOut(upstream) {
  const agent = new http.Agent({ keepAlive: false }); // a kept connection would hide a dropped one
  // workerd sends proxies the whole address and no Host.
  const proxy = http.createServer({ requireHostHeader: false }, (request, response) => {
    const target = new URL(request.url);
    const to = isLoopback(target.hostname) ? target : upstream;
    const headers = { ...request.headers, host: to === target ? target.host : upstream.host };
    if (to !== target) headers["x-sandbox-url"] = target.href;
    delete headers.connection;
    const outgoing = http.request(
      { agent, host: to.hostname.replace(/[[\]]/g, ""), port: to.port || 80, method: request.method, path: target.pathname + target.search, headers },
      (incoming) => {
        response.writeHead(incoming.statusCode, incoming.statusMessage, incoming.rawHeaders);
        incoming.pipe(response);
        incoming.on("aborted", () => response.destroy());
        incoming.on("error", () => response.destroy());
      },
    );
    outgoing.on("error", () => request.socket.destroy());
    response.on("close", () => outgoing.destroy());
    request.pipe(outgoing);
  });
  proxy.on("clientError", (_error, socket) => socket.destroy());
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${proxy.address().port}`;
}

// ---- counting -----------------------------------------------------------------------------------------------------

/** A module around the Worker, which counts the calls of its objects. All of it runs in one isolate. */
function counting(classes) {
  return `
    import Worker, * as built from "./index.js";
    const calls = ${JSON.stringify(Object.fromEntries(classes.map((name) => [name, 0])))};
    const counted = (name) => class extends built[name] {
      fetch(request) {
        calls[name] += 1;
        return super.fetch(request);
      }
    };
    ${classes.map((name) => `export const ${name} = counted("${name}");`).join("\n    ")}
    export default class extends Worker {
      fetch(request) {
        return new URL(request.url).pathname === "/count-object-calls" ? Response.json(calls) : super.fetch(request);
      }
    }
  `;
}

/** Modules around the Worker, which tell the size of its module's memory. The first is the entry. */
const measuring = [
  [
    "measuring.js",
    `
    import "./watching.js";
    import Worker from "./index.js";
    export * from "./index.js";
    export default class extends Worker {
      fetch(request) {
        if (new URL(request.url).pathname !== "/wasm-memory") return super.fetch(request);
        return new Response(String(globalThis.instance.exports.memory.buffer.byteLength));
      }
    }
    `,
  ],
  [
    "watching.js",
    `
    WebAssembly.Instance = class extends WebAssembly.Instance {
      constructor(...given) {
        super(...given);
        globalThis.instance = this;
      }
    };
    `,
  ],
];

/** A Worker in front of the Worker, which leaves in the middle of requests. */
const leaving = `
  export default {
    async fetch(request, { WORKER }) {
      const { origin, pathname } = new URL(request.url);
      if (pathname !== "/leave") return WORKER.fetch(request);
      const { path, method, headers, body, number, atOnce, milliseconds } = await request.json();
      let [answered, left] = [0, 0];
      const ask = async () => {
        const controller = new AbortController();
        const { signal } = controller;
        const leave = new Promise((resolve) => signal.addEventListener("abort", () => resolve("left")));
        const timer = setTimeout(() => controller.abort(), milliseconds);
        const answer = async () => {
          const response = await WORKER.fetch(origin + path, { method, headers, body, signal });
          const reader = response.body?.getReader();
          signal.addEventListener("abort", () => reader?.cancel().catch(() => {}));
          while (reader && !(await reader.read()).done);
          return "answered";
        };
        const outcome = await Promise.race([answer().catch(() => "left"), leave]);
        clearTimeout(timer);
        if (outcome === "left") left += 1;
        else answered += 1;
      };
      for (let begun = 0; begun < number; begun += atOnce) {
        await Promise.all(Array.from({ length: Math.min(atOnce, number - begun) }, ask));
      }
      return Response.json({ answered, left });
    },
  };
`;

/** The Worker's modules; the first is its entry. */
function modules() {
  const built = [
    { type: "ESModule", path: path.join(build, "index.js") },
    { type: "CompiledWasm", path: path.join(build, "index_bg.wasm") },
  ];
  const made = (name, contents) => ({ type: "ESModule", path: path.join(build, name), contents });
  if (options["wasm-memory"]) return [...measuring.map(([name, contents]) => made(name, contents)), ...built];
  if (!options["count-object-calls"]) return built;
  const classes = Object.values(worker.durableObjects).map((each) => each.className ?? each);
  return [made("counting.js", counting(classes)), ...built];
}

// ---- workerd ------------------------------------------------------------------------------------------------------

/** The process id of workerd, this process's child. */
function workerdPid() {
  if (fs.existsSync("/proc/self/task")) {
    for (const task of fs.readdirSync("/proc/self/task")) {
      const children = fs.readFileSync(`/proc/self/task/${task}/children`, "utf8").split(" ").filter(Boolean);
      const found = children.find((pid) => fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "workerd");
      if (found) return Number(found);
    }
    return undefined;
  }
  const { execFileSync } = require("node:child_process");
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).split("\n");
  const rows = lines.map((line) => line.trim().split(/\s+/));
  return Number(rows.find(([, parent, name]) => Number(parent) === process.pid && /workerd$/.test(name))?.[0]);
}

async function portIsFree(port) {
  await new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => fail(`port ${port} is busy`));
    probe.listen(port, "127.0.0.1", () => probe.close(resolve));
  });
}

const port = Number(options.port);
if (port) await portIsFree(port);

const { Miniflare, Log, LogLevel, HttpOptions_Style, convertV4MiniflareOptions } = require("miniflare");
const { modulesRules: _, ...worker } = workerOptions();
if (!options.limits) delete worker.ratelimits;
const build = path.join(root, "build");
const overrides = options.vars ? JSON.parse(fs.readFileSync(options.vars, "utf8")) : {};

// What the Worker fetches goes to another Worker that hands it, with its whole address, to the proxy.
const helpers = [];
if (options.upstream) {
  const address = await wayOut(new URL(options.upstream));
  worker.outboundService = "way-out";
  helpers.push({
    name: "way-out",
    compatibilityDate: worker.compatibilityDate,
    modules: [
      { type: "ESModule", path: "way-out.mjs", contents: "export default { fetch: (request, { OUT }) => OUT.fetch(request) }" },
    ],
    serviceBindings: { OUT: { external: { address, http: { style: HttpOptions_Style.PROXY } } } },
  });
}

// The first Worker is the one that is asked.
const fronts = [];
if (options["wasm-memory"]) {
  fronts.push({
    name: "leaving",
    compatibilityDate: worker.compatibilityDate,
    modules: [{ type: "ESModule", path: "leaving.mjs", contents: leaving }],
    serviceBindings: { WORKER: "vedette" },
  });
}

let url;
const announce = () => process.stdout.write(`workerd ${workerdPid()}\nready http://127.0.0.1:${url.port}\n`);

const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    workers: [
      ...fronts,
      {
        ...worker,
        name: "vedette",
        rootPath: root,
        modulesRoot: build,
        modules: modules(),
        bindings: { ...worker.bindings, ...overrides },
        ...(options.direct ? { unsafeDirectSockets: [{ host: "127.0.0.1", port }] } : {}),
      },
      ...helpers,
    ],
    host: "127.0.0.1",
    port: options.direct ? 0 : port,
    cf: false,
    logRequests: false,
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: ({ message }) => process.stderr.write(`${message}\n`),
    unsafeHandleRuntimeRestart: announce,
    resourcePersistencePath: path.resolve(options.persist),
  }),
);

let ending = false;
async function end() {
  if (ending) return;
  ending = true;
  await miniflare.dispose().catch(() => {});
  process.exit(0);
}
process.on("SIGTERM", end);
process.on("SIGINT", end);
process.stdin.on("end", end).on("error", end).resume();

try {
  url = await miniflare.ready;
  if (options.direct) url = await miniflare.unsafeGetDirectURL("vedette");
} catch (error) {
  if (!ending) fail(`workerd does not start: ${error.message}`);
}
if (!ending) announce();
