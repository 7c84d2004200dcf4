// Runs the peer on workerd as `tests/worker.mjs` runs ours:
//
//     node bench/peer/serve.mjs --port P --persist DIR --vars FILE.json --tools FILE.json
//
// The packages are those of `bench/peer/package.json`, bundled by esbuild. Standard output: `workerd PID`, then
// `ready http://127.0.0.1:P`. Ends on SIGTERM, on SIGINT, and when standard input closes.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { workerdChild } from "../load.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const require = createRequire(fs.realpathSync(path.join(root, "node_modules/wrangler/package.json")));
const esbuild = createRequire(path.join(root, "package.json"))("esbuild");

process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";

const { values: options } = parseArgs({
  options: { port: { type: "string" }, persist: { type: "string" }, vars: { type: "string" }, tools: { type: "string" } },
});
const port = Number(options.port);

const { outputFiles } = await esbuild.build({
  entryPoints: [path.join(here, "worker.mjs")],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2024",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["workerd", "worker", "browser", "import"],
  external: ["cloudflare:*", "node:*"],
  write: false,
  legalComments: "none",
  plugins: [{ name: "tools", setup: (build) => build.onResolve({ filter: /^tools$/ }, () => ({ path: path.resolve(options.tools) })) }],
});

const { Miniflare, Log, LogLevel, convertV4MiniflareOptions } = require("miniflare");
const [, compatibilityDate] = /^compatibility_date = "(.*)"$/m.exec(fs.readFileSync(path.join(root, "wrangler.toml"), "utf8"));

const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    workers: [
      {
        name: "peer",
        compatibilityDate,
        compatibilityFlags: ["nodejs_compat"],
        modules: [{ type: "ESModule", path: "peer.mjs", contents: outputFiles[0].text }],
        bindings: JSON.parse(fs.readFileSync(options.vars, "utf8")),
        kvNamespaces: { OAUTH_KV: "peer" },
        unsafeDirectSockets: [{ host: "127.0.0.1", port }],
      },
    ],
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: ({ message }) => process.stderr.write(`${message}\n`),
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

await miniflare.ready;
process.stdout.write(`workerd ${workerdChild()}\nready http://127.0.0.1:${port}\n`);
