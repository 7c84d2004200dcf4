// `npm test`: every check that this project has, in the order in which they are quickest to fail. Stops at the first
// failure. `npm test -- PART…` runs parts of it:
//
//     unit      the crates' own tests
//     host      formatting, lints, documentation, and everything that runs without workerd
//     workerd   the built Worker on workerd
//     cases     the same, over plain HTTP, case by case
//     peers     the same, by other people's clients and conformance suites
//     browser   a real browser on the local demo
//     config    wrangler.toml, the Slack manifest, the scripts
//
// A part whose tests are not in this checkout is left out, and that is said.

import fs from "node:fs";
import path from "node:path";
import { Failure, ask, at, duration, environment, main, node, packageProgram, run, wasmTarget } from "./lib.mjs";
import { build } from "./build.mjs";
import { deny, findDeny } from "./deny.mjs";
import { javascript } from "./javascript.mjs";
import { findBrowser, setUp } from "./setup.mjs";

const PARTS = ["unit", "host", "workerd", "cases", "peers", "browser", "config"];
/** The parts that are tests for Node against the built Worker, in their order. */
const NODE_PARTS = [
  { name: "cases", title: "Cases over HTTP", folder: "tests/oauth" },
  { name: "peers", title: "Other people's clients", folder: "tests/interop", chromium: true, python: true },
  { name: "browser", title: "Tests in a browser", folder: "tests/browser", chromium: true },
];
const asked = process.argv.slice(2);
const unknown = asked.filter((part) => !PARTS.includes(part));
const runs = (part) => asked.length === 0 || asked.includes(part);

const summary = []; // [title, milliseconds or why it was left out]
let toolchain;

main(async () => {
  if (unknown.length) throw new Failure(`there is no part called ${unknown[0]}: choose from ${PARTS.join(", ")}`);
  const began = Date.now();
  try {
    const needs = (what) => NODE_PARTS.some((part) => part[what] && runs(part.name) && testsOf(part).length);
    await check(
      "Set-up",
      async () => (toolchain = await setUp({ chromium: needs("chromium"), python: needs("python") })),
    );
    if (runs("host")) await lints();
    if (runs("host")) {
      await check("Tests on the host", () => cargo(["test", "--workspace", "--lib", "--bins", ...hostTests()]));
    }
    if (runs("host")) await check("Examples in the documentation", () => cargo(["test", "--workspace", "--doc"]));
    if (runs("unit") && !runs("host")) await check("Unit tests", () => cargo(["test", "--workspace", "--lib"]));
    if (["workerd", "cases", "peers", "browser", "config"].some(runs)) {
      await check("The Worker's build", () => build({ toolchain, log: at(".wrangler/logs/build.log") }));
    }
    if (runs("config")) await configuration();
    if (runs("workerd")) await workerd();
    for (const part of NODE_PARTS) if (runs(part.name)) await nodePart(part);
  } catch (error) {
    report(began);
    throw error;
  }
  report(began);
  process.stdout.write("Everything passed.\n");
});

// ---- the parts ----------------------------------------------------------------------------------------------------

async function lints() {
  await check("Formatting", () => cargo(["fmt", "--all", "--check"]));
  await check("Lints", () => cargo(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]));
  const doc = ["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"];
  await check("Links of the documentation", () => cargo(doc, { RUSTDOCFLAGS: "-D warnings" }));
  // The edge compiles for the Worker's target alone. Debian's compiler has a clippy of its own, which may be absent.
  if (toolchain.name === "debian" && !fs.existsSync("/usr/bin/cargo-clippy")) {
    leaveOut("Lints for the Worker's target", "this toolchain has no clippy (rust-web-clippy)");
    return;
  }
  // Debian has no standard library for wasm but what `build-std` makes; rustup's needs no building to be checked with.
  const env = toolchain.name === "debian" ? toolchain.env : {};
  const args = ["clippy", "--lib", "--target", "wasm32-unknown-unknown", "--quiet", "--", "-D", "warnings"];
  const program = toolchain.name === "debian" ? "/usr/bin/cargo" : "cargo";
  await check("Lints for the Worker's target", () =>
    run(program, args, {
      env: environment({ ...env, CARGO_TARGET_DIR: `${wasmTarget}-lint` }),
      failure: "clippy has objections",
    }),
  );
}

/** Every test target but those that need the built Worker. */
function hostTests() {
  const packages = JSON.parse(ask("cargo", ["metadata", "--no-deps", "--format-version", "1"]) ?? "{}").packages ?? [];
  const targets = packages.flatMap((each) => each.targets).filter((target) => target.kind.includes("test"));
  return targets.filter((target) => target.name !== "workerd").flatMap((target) => ["--test", target.name]);
}

async function workerd() {
  if (!["tests/workerd.rs", "tests/workerd/main.rs"].some((file) => fs.existsSync(at(file)))) {
    leaveOut("Tests on workerd", "tests/workerd is not in this checkout");
    return;
  }
  await sandbox();
  await check("Tests on workerd", () => cargo(["test", "--test", "workerd"]));
}

const testsOf = ({ folder }) => (fs.existsSync(at(folder)) ? testsIn(folder) : []);

async function nodePart(part) {
  const files = testsOf(part);
  if (!files.length) {
    leaveOut(part.title, `${part.folder} is not in this checkout`);
    return;
  }
  await sandbox();
  await check(part.title, () => nodeTests(files, part.chromium ? { CHROME: findBrowser() } : {}));
}

let sandboxIsBuilt = false;

async function sandbox() {
  if (!sandboxIsBuilt) await check("Sandbox", () => cargo(["build", "--package", "vedette-sandbox", "--bins"]));
  sandboxIsBuilt = true;
}

async function configuration() {
  await check("Layout, lints and types of the JavaScript", () => javascript());
  await check("Configuration and scripts", () => nodeTests(testsIn("tests/scripts")));
  if (findDeny()) await check("Licences, sources and versions of the crates", () => deny());
  else leaveOut("Licences, sources and versions of the crates", "cargo-deny is not installed");
  const out = at(".wrangler/dry-run");
  await check("Deployment, without deploying", () =>
    run(node(), [packageProgram("wrangler"), "deploy", "--dry-run", "--outdir", out], {
      env: environment({ CI: "true", NO_COLOR: "1" }),
      log: at(".wrangler/logs/dry-run.log"),
      failure: "wrangler would not deploy this",
    }),
  );
}

// ---- how they are run ---------------------------------------------------------------------------------------------

function cargo(args, extra = {}) {
  const env = environment({ INSTA_UPDATE: "no", ...extra }); // a snapshot that differs is a failure
  return run("cargo", args, { env, failure: `\`cargo ${args[0]}\` failed` });
}

function testsIn(folder) {
  const names = fs.readdirSync(at(folder)).filter((name) => name.endsWith(".test.mjs"));
  return names.sort().map((name) => path.join(folder, name));
}

function nodeTests(files, env = {}) {
  const args = ["--test", "--test-reporter=spec", ...files];
  return run(node(), args, { env: environment(env), failure: "a test failed" });
}

async function check(title, work) {
  const began = Date.now();
  process.stdout.write(`\n== ${title}\n`);
  try {
    const result = await work();
    summary.push([title, duration(Date.now() - began)]);
    return result;
  } catch (error) {
    summary.push([title, `${duration(Date.now() - began)}   FAILED`]);
    throw error;
  }
}

function leaveOut(title, why) {
  process.stdout.write(`\n== ${title}: left out, ${why}\n`);
  summary.push([title, `left out: ${why}`]);
}

function report(began) {
  const width = Math.max(...summary.map(([title]) => title.length));
  process.stdout.write(`\n${"-".repeat(width + 14)}\n`);
  for (const [title, result] of summary) process.stdout.write(`${title.padEnd(width)}  ${result}\n`);
  process.stdout.write(`${"Total".padEnd(width)}  ${duration(Date.now() - began)}\n\n`);
}
