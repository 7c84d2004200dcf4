// What the scripts share: where things are, how they talk, how they run a program. Node >= 20, no packages.

import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
export const at = (...parts) => path.join(root, ...parts);
export const isRoot = process.getuid?.() === 0;

const bin = at("node_modules", ".bin");

/** Where what a machine needs once is kept, whatever the number of clones. */
export const cacheFolder = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "vedette");

/** Cargo's target folder for the host. */
export const hostTarget = path.resolve(root, process.env.CARGO_TARGET_DIR || "target");

/** Cargo's target folder for the Worker: a folder of its own, so that neither build throws the other's work away. */
export const wasmTarget = process.env.CARGO_TARGET_DIR ? `${hostTarget}-wasm` : at("target-wasm");

/** A failure that its reader can act upon: one clear sentence, shown without a stack. */
export class Failure extends Error {}

/** The environment of every child: the project's own programs first, and nothing that phones home. */
export function environment(extra = {}) {
  return {
    ...process.env,
    PATH: [bin, process.env.PATH].join(path.delimiter),
    WRANGLER_SEND_METRICS: "false",
    CLOUDFLARE_CF_FETCH_ENABLED: "false", // local requests need no real `Request.cf`
    ...extra,
  };
}

/** The Node that runs wrangler and miniflare (>= 22.12): the project's own, else this one when it is new enough. */
export function node() {
  const own = path.join(bin, "node");
  if (fs.existsSync(own)) return own;
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 12)) return process.execPath;
  throw new Failure(
    `wrangler needs Node 22.12 or newer and this is ${process.version}: install a newer Node from https://nodejs.org`,
  );
}

/** A program of the project's packages, by name, as arguments to `node()`. */
export function packageProgram(name) {
  const file = path.join(bin, name);
  if (!fs.existsSync(file)) throw new Failure(`${name} is not installed: run \`node scripts/setup.mjs\``);
  return fs.realpathSync(file);
}

/** The path of a program on PATH, or undefined. */
export function which(name, searchPath = process.env.PATH ?? "") {
  for (const folder of searchPath.split(path.delimiter).filter(Boolean)) {
    const file = path.join(folder, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      // not here
    }
  }
  return undefined;
}

/** Standard output of a program that answers at once, trimmed; undefined when it fails or is absent. */
export function ask(program, args, options = {}) {
  const { status, stdout } = spawnSync(program, args, { cwd: root, encoding: "utf8", timeout: 30_000, ...options });
  return status === 0 ? stdout.trim() : undefined;
}

/** 3.4 s, 2 min 5 s. */
export function duration(milliseconds) {
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

// The steps under way. On a terminal, one line shows them all with their seconds; elsewhere each says when it begins.
const underWay = new Map();
const live = process.stdout.isTTY;
let ticking;

function redraw() {
  if (!live) return;
  const now = Date.now();
  const text = [...underWay].map(([, { title, began }]) => `${title} (${duration(now - began)})`).join(" · ");
  process.stdout.write(`\r\x1b[K${text ? `  … ${text}`.slice(0, process.stdout.columns || 80) : ""}`);
}

function show(line) {
  process.stdout.write(`${live ? "\r\x1b[K" : ""}${line}\n`);
  redraw();
}

/**
 * Runs one step: says what it does, then that it is done and how long it took. `work` gets a function that replaces
 * the closing words.
 */
export async function step(title, work) {
  const key = Symbol(title);
  const began = Date.now();
  underWay.set(key, { title, began });
  live ? redraw() : show(`  … ${title}`);
  ticking ??= live ? setInterval(redraw, 1000).unref() : undefined;
  let closing = title;
  let mark = "✗";
  try {
    const result = await work((words) => (closing = words));
    mark = "✓";
    return result;
  } finally {
    underWay.delete(key);
    show(`  ${mark} ${closing} (${duration(Date.now() - began)})`);
  }
}

// Children that must not outlive this process. Each leads its own process group, so that its children go with it.
const groups = new Set();

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
    return true;
  } catch {
    return false; // the whole group is gone
  }
}

/** Stops a child and everything it started: politely, then, after `patience` ms, by force. */
export async function stop(child, patience = 5000) {
  const until = Date.now() + patience;
  let alive = signalGroup(child, "SIGTERM");
  while (alive && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    alive = signalGroup(child, 0);
  }
  if (alive) signalGroup(child, "SIGKILL");
  groups.delete(child);
}

export const stopAll = () => Promise.all([...groups].map((child) => stop(child)));

/** Starts a program in a process group of its own, to be stopped with [`stop`]. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { cwd: root, env: environment(), ...options, detached: true });
  groups.add(child);
  child.once("exit", () => groups.delete(child));
  return child;
}

/**
 * Runs a program to its end. With `log`, its output goes to that file and the last lines are shown when it fails;
 * without, to the terminal. Throws a `Failure` with the sentence `failure` when it does not succeed.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ log?: string, failure?: string, env?: object, timeout?: number, input?: "ignore" | "inherit", verbose?: boolean }} options
 */
export async function run(program, args, { log, failure, env, timeout, input = "ignore", verbose = false } = {}) {
  /** @type {number | "inherit"} */
  let output = "inherit";
  if (log && !verbose) {
    fs.mkdirSync(path.dirname(log), { recursive: true });
    output = fs.openSync(log, "w");
  }
  const child = start(program, args, { env: env ?? environment(), stdio: [input, output, output] });
  const timer = timeout && setTimeout(() => stop(child), timeout);
  const [code, signal, error] = await new Promise((resolve) => {
    child.once("error", (error) => resolve([null, null, error]));
    child.once("exit", (code, signal) => resolve([code, signal]));
  });
  if (timer) clearTimeout(timer);
  if (typeof output === "number") fs.closeSync(output);
  if (code === 0) return;
  const tail = typeof output === "number" ? lastLines(log, 30) : "";
  const known = explain(tail);
  const how = error ? error.message : signal ? `it was ended by ${signal}` : `it ended with code ${code}`;
  const where = typeof output === "number" ? `; all of its output is in ${path.relative(root, log)}` : "";
  const sentence = known ?? `${failure ?? `\`${path.basename(program)} ${args.join(" ")}\` failed`}: ${how}${where}`;
  throw Object.assign(new Failure(sentence), { output: known ? "" : tail });
}

const FULL_DISK = "the disk is full: free a few GB (`target` and `target-wasm` are safe to delete) and run this again";

/** What a program's last words mean, for the causes that have nothing to do with the program. */
function explain(output) {
  if (/No space left on device|ENOSPC/i.test(output)) {
    return FULL_DISK;
  }
  if (
    /ENOTFOUND|EAI_AGAIN|Could(n't| not) (resolve host|connect to)|Temporary failure (in name )?resol|network is unreachable|ECONNREFUSED \d/i.test(
      output,
    )
  ) {
    return "there is no network, or the package registry cannot be reached: connect this machine and run this again";
  }
  return undefined;
}

/** The last lines of a file, without a terminal's colours. */
export function lastLines(file, count) {
  try {
    // eslint-disable-next-line no-control-regex
    const text = fs.readFileSync(file, "utf8").replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
    return text.trimEnd().split("\n").slice(-count).join("\n");
  } catch {
    return "";
  }
}

/** Throws unless the disk that holds `folder` has this much room. */
export function needRoom(folder, gigabytes) {
  if (!fs.statfsSync) return; // Node < 18.15
  while (!fs.existsSync(folder)) folder = path.dirname(folder);
  const { bavail, bsize } = fs.statfsSync(folder);
  const free = (bavail * bsize) / 1e9;
  if (free < gigabytes) {
    throw new Failure(
      `the disk that holds ${folder} has ${free.toFixed(1)} GB free and building needs ${gigabytes}: free some and run this again`,
    );
  }
}

/**
 * Runs a script's main function: failures are one sentence, signals stop every child, the exit code says how it went.
 * `stopped` is for a script that a person ends: its words when they do, and then all is well.
 *
 * @param {() => unknown} work
 * @param {{ stopped?: string }} options
 */
export function main(work, { stopped } = {}) {
  let stopping = false;
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  for (const [signal, code] of Object.entries(codes)) {
    process.on(signal, async () => {
      if (stopping) return;
      stopping = true;
      await stopAll();
      if (stopped) process.stdout.write(`\n${stopped}\n`);
      process.exit(stopped ? 0 : code);
    });
  }
  process.on("exit", () => groups.forEach((child) => signalGroup(child, "SIGKILL")));
  Promise.resolve()
    .then(work)
    .then(
      async (code) => {
        if (stopping) return;
        await stopAll();
        process.exit(typeof code === "number" ? code : 0);
      },
      async (error) => {
        if (stopping) return;
        stopping = true;
        await stopAll();
        tell(error);
        process.exit(1);
      },
    );
}

/** Says what went wrong: in one sentence, unless it is a mistake in these scripts. */
function tell(error) {
  if (error?.output) process.stderr.write(`\n${error.output}\n`);
  process.stderr.write(`\n${inWords(error)}\n`);
}

function inWords(error) {
  if (error instanceof Failure) return `Error: ${error.message}`;
  if (error?.code === "ENOSPC") return `Error: ${FULL_DISK}`;
  if (["EACCES", "EPERM", "EROFS"].includes(error?.code) && error.path) {
    return `Error: ${error.path} cannot be written to: check whom it belongs to (${error.code})`;
  }
  if (error?.code?.startsWith("ERR_PARSE_ARGS")) return `Error: ${error.message}`;
  return String(error?.stack ?? error);
}

process.once("uncaughtException", (error) => {
  tell(error);
  process.exit(1);
});

/** Throws unless 127.0.0.1:`port` can be listened on. `variable` is how to choose another. */
export async function needPort(port, variable) {
  const problem = await new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", (/** @type {NodeJS.ErrnoException} */ error) => resolve(error.code));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(undefined)));
  });
  if (problem === "EADDRINUSE") {
    throw new Failure(
      `port ${port} is busy: stop what listens there, or choose another port with the variable ${variable}`,
    );
  }
  if (problem) {
    throw new Failure(`port ${port} cannot be used (${problem}): choose another with the variable ${variable}`);
  }
}

/** A port from the environment. */
export function portFrom(variable, fallback) {
  const port = Number(process.env[variable] || fallback);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Failure(`${variable} is not a port number: set it to one between 1 and 65535`);
}

/** Whether this file is the program that Node was asked to run. */
export function isMain(url) {
  return process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(url);
}
