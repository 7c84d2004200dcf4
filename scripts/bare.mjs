// `npm run bare`: what somebody meets who has just installed Debian 12. Makes one by debootstrap (minbase, about 150 MB)
// in a temporary folder, brings into it what README asks people to bring, and a clean clone of HEAD, and runs `npm start`
// twice and `npm test` in it, each with its time. For Linux, as root, with debootstrap; not in CI. Takes half an hour.
//
//     npm run bare                    all of it
//     npm run bare -- start           `npm start` alone; likewise `test`
//     npm run bare -- --debian-rust   without Rust: set-up takes Debian's, by apt
//     npm run bare -- --debian-node   with Debian's own Node 18 and npm 9: both commands must say that these are too old
//     npm run bare -- --keep          leaves the folder, and says where it is
//
// Not downloaded, so that no more is needed than the packages' registries: Node and npm are copied from this machine, and
// its Rust toolchain (`rustc --print sysroot`) is there read-only. What rustup would add to it for the Worker
// (wasm32-unknown-unknown, rust-src) is there if it is here; else Debian's is taken. Brought besides: ca-certificates, as
// who downloads Rust or Node has them, and this machine's own settings for proxies, certificates and the registries of apt,
// cargo, npm and pip.
//
// Mounts and processes have namespaces of their own: the kernel ends both with the first process in them, however this
// script ends, and this machine never sees the mounts. The network is this machine's, so other ports than the usual are taken.

import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { Failure, ask, at, duration, isRoot, main, needRoom, root, run, step, which } from "./lib.mjs";

const RELEASE = "bookworm";
const ROOM = 12; // GB: both target folders, the tools and their sources
const HOME = "/root";
const CLONE = `${HOME}/vedette`;
const RUST = "/opt/rust";
const CERTIFICATES = "/usr/local/share/ca-certificates";
const COMMANDS = {
  start: [
    ["start", "--", "--once"],
    ["start", "--", "--once"],
  ],
  test: [["test"]],
};

const { values: options, positionals } = parseArgs({
  options: { keep: { type: "boolean" }, "debian-node": { type: "boolean" }, "debian-rust": { type: "boolean" } },
  allowPositionals: true,
});

main(async () => {
  const unknown = positionals.find((name) => !(name in COMMANDS));
  if (unknown) throw new Failure(`there is no ${unknown}: choose from ${Object.keys(COMMANDS).join(", ")}`);
  canRun();
  const machine = await bareMachine();
  try {
    const runs = Object.entries(COMMANDS).filter(([name]) => !positionals.length || positionals.includes(name));
    for (const command of runs.flatMap(([, commands]) => commands)) {
      await (options["debian-node"] ? isRefused(machine, command) : isDone(machine, command));
    }
  } finally {
    keepLogs(machine);
  }
});

function canRun() {
  if (process.platform !== "linux" || !isRoot) {
    throw new Failure("this makes a Debian in a folder: run it on Linux, as root");
  }
  const missing = ["debootstrap", "unshare", "chroot", "git"].filter((program) => !which(program));
  if (missing.length) throw new Failure(`install these and run this again: ${missing.join(", ")}`);
  needRoom(os.tmpdir(), ROOM);
}

// ---- what is run --------------------------------------------------------------------------------------------------

async function isDone(machine, command) {
  const title = `npm ${command.join(" ")}`;
  process.stdout.write(`\n== ${title}\n`);
  const began = Date.now();
  await inside(machine, ["npm", ...command], { failure: `\`${title}\` fails on a bare Debian` });
  const load = os.loadavg()[0].toFixed(1);
  process.stdout.write(
    `\n== ${title}: ${duration(Date.now() - began)} (${os.cpus().length} cores, load at the end ${load})\n`,
  );
}

async function isRefused(machine, command) {
  const title = `npm ${command.join(" ")}`;
  const began = Date.now();
  const output = await inside(machine, ["npm", ...command], { log: at(".wrangler/logs/bare-refused.log") }).then(
    () => "it runs",
    (error) => error.output ?? "",
  );
  const sentence = output.split("\n").find((line) => line.startsWith("Error: "));
  if (!/is too old: install Node/.test(sentence ?? "")) {
    throw Object.assign(new Failure(`\`${title}\` does not say that Node is too old`), { output });
  }
  process.stdout.write(`\n== ${title}, after ${duration(Date.now() - began)}: ${sentence}\n`);
}

/** The logs of the project's own scripts outlive the machine. */
function keepLogs({ folder }) {
  const logs = path.join(folder, CLONE, ".wrangler/logs");
  const kept = at(".wrangler/logs/bare");
  if (!fs.existsSync(logs)) return;
  fs.rmSync(kept, { recursive: true, force: true });
  fs.cpSync(logs, kept, { recursive: true });
  process.stdout.write(`\nIts logs are in ${path.relative(root, kept)}/.\n`);
}

// ---- the machine --------------------------------------------------------------------------------------------------

async function bareMachine() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vedette-bare-"));
  fs.chmodSync(folder, 0o755); // `_apt`, whom apt fetches as, reads it
  process.on("exit", () => {
    if (options.keep) process.stdout.write(`The machine is left in ${folder}\n`);
    else fs.rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  const machine = {
    folder,
    rust: options["debian-rust"] ? undefined : sysroot(),
    environment: await environmentInside(),
  };
  await step(`Debian (${RELEASE}, minbase)`, () => debootstrap(folder));
  await bringSettings(machine);
  if (!options["debian-node"]) bringNode(folder);
  const log = at(".wrangler/logs/bare-clone.log");
  const clone = ["clone", "--quiet", "--no-hardlinks", root, path.join(folder, CLONE)];
  await step("A clone of HEAD", () => run("git", clone, { log, failure: "git clone failed" }));
  if (ask("git", ["status", "--porcelain"])) process.stdout.write("  (What is not committed is not in it.)\n");
  if (options["debian-node"]) await step("Debian's own Node and npm", () => aptInside(machine, ["nodejs", "npm"]));
  const versions = [["node", "--version"], ["npm", "--version"], ...(machine.rust ? [["cargo", "--version"]] : [])];
  for (const command of versions) {
    await inside(machine, command, { failure: `the ${command[0]} of this machine does not run on Debian ${RELEASE}` });
  }
  return machine;
}

async function debootstrap(folder) {
  const args = ["--variant=minbase", "--include=ca-certificates", RELEASE, folder, ...(mirror() ?? [])];
  const log = at(".wrangler/logs/debootstrap.log");
  // It mounts /proc: in a namespace, where nothing of it is left behind.
  await run("unshare", ["--mount", "debootstrap", ...args], { log, failure: "debootstrap failed" });
}

/** Runs a program on the machine, in its clone, to its end. */
function inside({ folder, rust, environment }, command, settings = {}) {
  const mounts = [
    'mount --rbind /dev "$1/dev"',
    'mount --rbind /sys "$1/sys"',
    'mount -t proc proc "$1/proc"',
    ...(rust ? [`mkdir -p "$1${RUST}"`, `mount --bind "$2" "$1${RUST}"`, `mount -o remount,ro,bind "$1${RUST}"`] : []),
  ];
  // The shell stays, as the first process of the namespace: it takes in the orphans.
  const script = `set -eu; ${mounts.join("; ")}; root=$1; shift 2; status=0
    chroot "$root" sh -c 'cd ${CLONE} && exec "$@"' sh "$@" || status=$?; exit $status`;
  const args = ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", folder, rust ?? "", ...command];
  return run("unshare", args, { ...settings, env: environment });
}

async function aptInside(machine, packages) {
  const log = at(".wrangler/logs/bare-apt.log");
  await inside(machine, ["apt-get", "update", "-q"], { log, failure: "`apt-get update` failed" });
  await inside(machine, ["apt-get", "install", "-q", "-y", "--no-install-recommends", ...packages], {
    log,
    failure: `apt could not install ${packages.join(" ")}`,
  });
}

// ---- what people bring --------------------------------------------------------------------------------------------

/** This machine's programs: `npm run` puts the project's own before them. */
function programHere(name) {
  const folders = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => !folder.includes("node_modules"));
  const found = which(name, folders.join(path.delimiter));
  if (!found) throw new Failure(`${name} is missing here, and would be taken from here`);
  return fs.realpathSync(found);
}

function bringNode(folder) {
  const local = path.join(folder, "usr/local");
  const npm = path.dirname(path.dirname(programHere("npm")));
  if (!fs.existsSync(path.join(npm, "bin/npm-cli.js"))) {
    throw new Failure(`${npm} is not a folder of npm: put an npm on PATH that Node brought`);
  }
  fs.copyFileSync(ask(programHere("node"), ["--print", "process.execPath"]), path.join(local, "bin/node"));
  fs.cpSync(npm, path.join(local, "lib/node_modules/npm"), { recursive: true });
  for (const name of ["npm", "npx"]) {
    fs.symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(local, "bin", name));
  }
}

function sysroot() {
  const found = ask("rustc", ["--print", "sysroot"]);
  if (!found) throw new Failure("Rust is missing here, and would be taken from here: bring it, or say --debian-rust");
  return found;
}

// ---- this machine's settings --------------------------------------------------------------------------------------

/** Where this machine's apt finds this release: address, release and component, one source a line. */
function debianSources() {
  const format = ["--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"];
  const lines =
    ask("apt-get", ["indextargets", ...format, "Created-By: Packages", "Origin: Debian"])?.split("\n") ?? [];
  return lines.filter((line) => line.split(" ")[1]?.startsWith(RELEASE));
}

/** The mirror that this machine's apt uses for this release; else debootstrap knows one. */
function mirror() {
  const source = debianSources().find((line) => line.split(" ")[1] === RELEASE);
  return source && [source.split(" ")[0]];
}

const VARIABLES =
  /^((https?|ftp|all|no)_proxy|(CARGO_(HTTP|NET|REGISTRIES|REGISTRY|SOURCE)_\w+)|npm_config_registry|PIP_(CERT|DEFAULT_TIMEOUT|EXTRA_INDEX_URL|INDEX_URL|TRUSTED_HOST)|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(CURL|REQUESTS)_CA_BUNDLE|CARGO_BUILD_JOBS|TERM|VEDETTE_RUST)$/i;

async function environmentInside() {
  const own = Object.entries(process.env).filter(([name]) => VARIABLES.test(name));
  const ports = {};
  for (const name of ["VEDETTE_PORT", "VEDETTE_PAGE_PORT", "VEDETTE_SENTRY_PORT"]) {
    ports[name] = String(await freePort());
  }
  const folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  return { ...Object.fromEntries(own), ...ports, HOME, LANG: "C.UTF-8", PATH: [...folders, `${RUST}/bin`].join(":") };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {net.AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}

async function bringSettings(machine) {
  const write = (file, text) => text && fs.writeFileSync(path.join(machine.folder, file), text, { mode: 0o644 });
  write(
    "etc/apt/sources.list",
    debianSources()
      .map((source) => `deb ${source}\n`)
      .join(""),
  );
  write("etc/apt/apt.conf.d/99here", ask("apt-config", ["dump", "Acquire"]));
  for (const file of ["/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", CERTIFICATES]) bring(machine, file, file);
  const cargo = process.env.CARGO_HOME || path.join(os.homedir(), ".cargo");
  for (const file of ["config.toml", "config"]) bring(machine, path.join(cargo, file), `${HOME}/.cargo/${file}`);
  for (const file of [".npmrc", ".config/pip/pip.conf"]) {
    bring(machine, path.join(os.homedir(), file), `${HOME}/${file}`);
  }
  // Reads what was brought, and gives the rest of the machine its one file of certificates.
  fs.mkdirSync(path.join(machine.folder, CLONE), { recursive: true });
  await inside(machine, ["update-ca-certificates"], {
    log: at(".wrangler/logs/bare-certificates.log"),
    failure: "the certificates of this machine are not taken",
  });
}

function bring({ folder }, from, to) {
  if (!fs.existsSync(from)) return;
  const target = path.join(folder, to);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.cpSync(from, target, { recursive: true, dereference: true });
}
