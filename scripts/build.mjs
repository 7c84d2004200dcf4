// Builds the Worker: build/index.js and build/index_bg.wasm, from src/, in the release profile with panic=unwind.
// Does nothing when nothing that it is made of has changed. `npm start`, `npm test` and wrangler ([build]) call it.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Failure, at, environment, isMain, main, needRoom, root, run, step, wasmTarget } from "./lib.mjs";
import { setUp, toolPaths } from "./setup.mjs";

const OUTPUTS = ["build/index.js", "build/index_bg.wasm"];
const STAMP = at("build/.made-of");
// What cargo found the last build to depend on, such as a file that `include_str!` reads.
const DEPENDENCIES = path.join(wasmTarget, "wasm32-unknown-unknown/release/vedette.d");

function filesUnder(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(file) : [file];
  });
}

function filesThatCargoNamed() {
  if (!fs.existsSync(DEPENDENCIES)) return [];
  const line = fs.readFileSync(DEPENDENCIES, "utf8").split("\n")[0];
  const names = line.slice(line.indexOf(":") + 1).match(/(\\ |\S)+/g) ?? [];
  return names.map((name) => path.resolve(root, name.replaceAll("\\ ", " ")));
}

const filesOfTheWorker = () => [
  ...["Cargo.toml", "Cargo.lock", ".cargo/config.toml"].map((file) => at(file)),
  ...filesUnder(at("src")),
  ...["commands", "ports", "sentry"].flatMap((name) => filesUnder(at("crates", name))),
  ...filesThatCargoNamed(),
];

/** A digest of everything that the Worker is made of: the sources and the settings of the build. */
function madeOf(settings, files = filesOfTheWorker()) {
  const digest = createHash("sha256").update(JSON.stringify(settings));
  for (const file of [...new Set(files)].sort()) {
    if (!fs.existsSync(file)) continue;
    digest.update(`\0${path.relative(root, file)}\0`).update(fs.readFileSync(file));
  }
  return digest.digest("hex");
}

const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined);

/**
 * Builds the Worker if need be. With `log`, the output of the build goes there.
 *
 * @param {{ toolchain?: { name: string, env: object }, log?: string }} options
 */
export async function build({ toolchain, log } = {}) {
  toolchain ??= await setUp();
  const { workerBuild, env } = toolPaths();
  const settings = { toolchain: toolchain.name, workerBuild };
  if (OUTPUTS.every((file) => fs.existsSync(at(file))) && read(STAMP) === madeOf(settings)) return;

  needRoom(root, 2);
  const cold = !fs.existsSync(wasmTarget);
  await step(cold ? "Worker (the first build takes a few minutes)" : "Worker", async (closing) => {
    fs.rmSync(STAMP, { force: true });
    const files = filesOfTheWorker();
    const before = madeOf(settings, files);
    await run(workerBuild, ["--release"], {
      env: environment({ ...env, ...toolchain.env, CARGO_TARGET_DIR: wasmTarget, RUST_BACKTRACE: "0" }),
      log,
      failure: "the Worker does not build",
    });
    for (const file of OUTPUTS) {
      if (!fs.existsSync(at(file))) throw new Failure(`the build did not write ${file}`);
    }
    // Cargo may have named other files this time: they count from now on. A change during the build calls for another.
    if (madeOf(settings, files) === before) fs.writeFileSync(STAMP, madeOf(settings));
    closing(`Worker, ${(fs.statSync(at("build/index_bg.wasm")).size / 1024).toFixed(0)} KiB of wasm`);
  });
}

if (isMain(import.meta.url)) main(() => build());
