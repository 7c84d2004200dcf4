// `npm start`: the whole product on this machine, without any account. Makes the machine ready, builds, then runs
//
//     the sandbox   a fake Slack with a page to use it (8788) and a fake Sentry (8789)
//     the Worker    on workerd, by `wrangler dev` (8787)
//
// and prints the one address to open. Ctrl-C ends all of it.
//
//     --once      start, check, print the address, stop
//     --verbose   show what the sandbox and the Worker log
//     --keep      keep what the Worker stored in the last run (the sandbox forgets: accounts need connecting anew)
//
// The Worker's variables are the demo's own: `.dev.vars` is not read, so a real token never meets the fake Sentry.

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  Failure,
  at,
  duration,
  environment,
  hostTarget,
  lastLines,
  main,
  needPort,
  node,
  packageProgram,
  portFrom,
  root,
  run,
  start,
  step,
  stop,
} from "./lib.mjs";
import { build } from "./build.mjs";
import { setUp } from "./setup.mjs";

const READY_WITHIN = 60_000; // ms; on a busy machine wrangler alone takes several seconds

const { values: options } = parseArgs({
  options: { once: { type: "boolean" }, verbose: { type: "boolean" }, keep: { type: "boolean" } },
});

const ports = {
  worker: portFrom("VEDETTE_PORT", 8787),
  page: portFrom("VEDETTE_PAGE_PORT", 8788),
  sentry: portFrom("VEDETTE_SENTRY_PORT", 8789),
};
const worker = `http://127.0.0.1:${ports.worker}`;
const page = `http://127.0.0.1:${ports.page}`;
const sentry = `http://127.0.0.1:${ports.sentry}`;

const state = at(".wrangler/state/demo");
const logs = at(".wrangler/logs");

main(
  async () => {
    const began = Date.now();
    const ending = parentEnded();
    await portsAreFree();
    const toolchain = await setUp();
    const log = options.verbose ? undefined : path.join(logs, "build.log");
    await Promise.all([build({ toolchain, log }), buildSandbox()]);
    await portsAreFree(); // the first build takes minutes

    for (const name of ["worker", "sandbox"]) fs.rmSync(path.join(logs, `${name}.log`), { force: true });
    if (!options.keep) fs.rmSync(state, { recursive: true, force: true });
    const programs = [];
    const oneHasDied = () => Promise.race(programs.map((program) => program.ended));
    await step("Sandbox and Worker", async () => {
      programs.push(startSandbox(), startWorker());
      for (const { ended } of programs) ended.catch(() => {}); // the races tell
      await Promise.race([Promise.all(programs.map((program) => program.ready)), oneHasDied()]);
    });

    process.stdout.write(`\nVedette runs (after ${duration(Date.now() - began)}). Open ${page} in a browser.\n`);
    if (options.once) return 0;
    process.stdout.write(`Ctrl-C stops it. Its logs are in ${path.relative(root, logs)}/.\n`);
    await Promise.race([oneHasDied(), ending]);
    return 0;
  },
  { stopped: "Vedette has stopped." },
);

async function portsAreFree() {
  await needPort(ports.worker, "VEDETTE_PORT");
  await needPort(ports.page, "VEDETTE_PAGE_PORT");
  await needPort(ports.sentry, "VEDETTE_SENTRY_PORT");
}

/**
 * Settles when npm, or the shell that it runs this in, is gone: npm passes no signal on to what its shell started.
 * Never settles when something else started this.
 */
async function parentEnded() {
  const parentOf = (pid) => {
    try {
      return Number(fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").split(" ")[2]);
    } catch {
      return undefined; // no /proc here
    }
  };
  const ancestors = () => `${process.ppid} ${parentOf(process.ppid)}`;
  const before = ancestors();
  while (!process.env.npm_lifecycle_event || ancestors() === before) await sleep(500, undefined, { ref: false });
}

async function buildSandbox() {
  const args = ["build", "--package", "vedette-sandbox", "--bin", "vedette-sandbox"];
  const log = path.join(logs, "sandbox-build.log");
  const work = () => run("cargo", args, { log, verbose: options.verbose, failure: "the sandbox does not build" });
  await (fs.existsSync(sandboxProgram()) ? work() : step("Sandbox", work));
}

function sandboxProgram() {
  return path.join(hostTarget, "debug/vedette-sandbox");
}

/** Starts a program whose output goes to a log file. `ended` rejects, with its last lines, when it ends by itself. */
function launch(title, name, command, args) {
  const file = path.join(logs, `${name}.log`);
  fs.mkdirSync(logs, { recursive: true });
  const sink = fs.createWriteStream(file, { flags: "a" });
  // Both end when their standard input closes: nothing survives this process, however it ends.
  const child = start(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: environment({ CLOUDFLARE_INCLUDE_PROCESS_ENV: "false", CI: "true", NO_COLOR: "1" }),
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.pipe(sink, { end: false });
    if (options.verbose) stream.pipe(process.stderr, { end: false });
  }
  const ended = new Promise((_, reject) => {
    child.once("error", (error) => reject(new Failure(`${title} does not start: ${error.message}`)));
    child.once("exit", async (code) => {
      await stop(child); // what it started and left behind
      const where = path.relative(root, file);
      const error = new Failure(
        `${title} has stopped (code ${code}); its last lines are above, all of them in ${where}`,
      );
      sink.end(() => reject(Object.assign(error, { output: lastLines(file, 20) })));
    });
  });
  ended.catch(() => {});
  return { child, ended, file };
}

const ask = (address, patience) => fetch(address, { signal: AbortSignal.timeout(patience) }).catch(() => undefined); // undefined: nothing listens yet

/** Waits until `address` answers 200. */
async function answers(title, address, log) {
  const until = Date.now() + READY_WITHIN;
  let last = "nothing";
  while (Date.now() < until) {
    const response = await ask(address, 5000);
    if (response?.ok) return;
    if (response) last = `${response.status} ${(await response.text().catch(() => "")).trim().slice(0, 500)}`;
    await sleep(100);
  }
  const error = new Failure(`${title} does not get ready: after ${duration(READY_WITHIN)} ${address} answers ${last}`);
  throw Object.assign(error, { output: lastLines(log, 20) });
}

function startSandbox() {
  const args = ["--port", ports.page, "--sentry-port", ports.sentry, "--app", worker, "--with-parent"].map(String);
  const program = launch("The sandbox", "sandbox", sandboxProgram(), args);
  return { ended: program.ended, ready: answers("The sandbox", page, program.file) };
}

function startWorker() {
  // Secrets go by file: arguments can be read by anyone on the machine.
  const variables = at(".wrangler/demo.env");
  fs.mkdirSync(path.dirname(variables), { recursive: true });
  const lines = Object.entries(demoVariables()).map(([name, value]) => `${name}=${value}\n`);
  fs.writeFileSync(variables, lines.join(""), { mode: 0o600 });
  const wrangler = [packageProgram("wrangler"), "dev", "--ip", "127.0.0.1", "--port", ports.worker];
  const settings = [
    "--env-file",
    variables,
    "--persist-to",
    state,
    "--inspector-ip",
    "127.0.0.1",
    "--show-interactive-dev-session=false",
  ];
  const args = [at("scripts/tether.mjs"), node(), ...wrangler, ...settings].map(String);
  const launchWorker = () => launch("The Worker (wrangler dev)", "worker", node(), args);

  const program = launchWorker();
  return {
    ready: answers("The Worker", `${worker}/health`, program.file),
    ended: restartAfterCrashes(program, launchWorker),
  };
}

/**
 * wrangler starts workerd again when it dies, but when that was the one that listens, it never answers again: then
 * wrangler is started again too. What was stored is there: turns go on.
 */
async function restartAfterCrashes(program, launchWorker) {
  for (;;) {
    await Promise.race([program.ended, runtimeCrashed(program)]);
    await sleep(2000);
    if (await ask(`${worker}/health`, 10_000)) continue;
    await stop(program.child);
    program = launchWorker();
    process.stdout.write("The Worker's runtime died and was started again.\n");
  }
}

function runtimeCrashed({ child }) {
  return new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text) => String(text).includes("runtime crashed") && resolve());
    }
  });
}

/** What the sandbox expects of the app that it talks to (crates/sandbox, `Options::local`). */
function demoVariables() {
  return {
    BASE_URL: worker,
    SENTRY_HOST: sentry,
    SENTRY_CLIENT_ID: "sandbox-client-id",
    SENTRY_CLIENT_SECRET: "sandbox-client-secret",
    SLACK_API_URL: `${page}/api`,
    SLACK_SIGNING_SECRET: "sandbox-signing-secret",
    SLACK_BOT_TOKEN: "xoxb-sandbox-bot-token",
    COOKIE_SECRET: cookieSecret(),
  };
}

/** Made once, so that a page that was open before a restart still belongs to the browser that opened it. */
function cookieSecret() {
  const file = at(".wrangler/demo-cookie-secret");
  if (!fs.existsSync(file)) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, randomBytes(32).toString("hex"), { mode: 0o600 });
  }
  return fs.readFileSync(file, "utf8").trim();
}
