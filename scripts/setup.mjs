// Makes this machine ready to build, run and test Vedette. Safe to run twice; the second run takes no time.
//
// Each need is met in the order of least surprise: what is there; else the ordinary tool (`npm ci`, `rustup`, `cargo
// install`); else, as root on Debian, apt; else one sentence that says what to install.
//
// The Worker is built with `panic=unwind`, so that a panic costs one request and not every request and Durable Object
// of the isolate. Rust ships no such standard library for wasm32: cargo builds it from source (`build-std`), for which
// it needs `rust-src`, and, since the flag is not stable yet, `RUSTC_BOOTSTRAP=1` with a stable compiler.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  Failure,
  ask,
  at,
  cacheFolder,
  environment,
  hostTarget,
  isMain,
  isRoot,
  main,
  needRoom,
  node,
  packageProgram,
  root,
  run,
  step,
  wasmTarget,
  which,
} from "./lib.mjs";

const WASM = "wasm32-unknown-unknown";
const WORKER_BUILD = "0.8.7";
const OLDEST_RUST = [1, 91]; // `rust-version` in Cargo.toml
const ROOM = 3; // GB: both target folders, or one `cargo install`

/** Everything that `npm start` and `npm run build` need. Returns what [`wasmToolchain`] returns. */
export async function setUp({ chromium = false, python = false } = {}) {
  await systemPrograms({ chromium, python });
  await packages();
  node();
  await rust();
  const found = findWasmToolchain();
  if (!found || !fs.existsSync(wasmTarget) || !fs.existsSync(hostTarget)) needRoom(path.dirname(wasmTarget), ROOM);
  // Independent of each other, each long on a new machine: side by side.
  const jobs = [
    found ?? step("Standard library for wasm, from source", installWasmToolchain),
    tool("worker-build", "worker-build", WORKER_BUILD),
    tool("wasm-bindgen", "wasm-bindgen-cli", lockedVersion("wasm-bindgen")),
  ];
  const [toolchain] = await Promise.all(jobs);
  return toolchain;
}

// ---- what the system must bring -----------------------------------------------------------------------------------

const OLDEST_NODE = 20;
const OLDEST_NPM = 10;

/** The OpenSSL headers are found through pkg-config: `worker-build` is built with them, except on macOS. */
const hasOpenSsl = () => which("pkg-config") !== undefined && ask("pkg-config", ["--exists", "openssl"]) !== undefined;
const hasPython = () =>
  ask("python3", ["-c", "import sys, venv, ensurepip; assert sys.version_info >= (3, 11)"]) !== undefined;

/** What the system lacks of all that is needed later: its name for people, and Debian's packages. */
function lacking({ chromium, python }) {
  const buildsTools = !fs.existsSync(toolFile("worker-build", WORKER_BUILD));
  const needs = [
    { name: "a C compiler (`cc`)", packages: ["gcc", "libc6-dev"], met: () => which("cc") },
    {
      name: "pkg-config and the headers of OpenSSL",
      packages: ["pkg-config", "libssl-dev"],
      met: () => !buildsTools || process.platform === "darwin" || hasOpenSsl(),
    },
    {
      name: "Python 3.11 or newer with its venv module",
      packages: ["python3", "python3-venv"],
      met: () => !python || hasPython(),
    },
    {
      name: "Chromium (or a Chrome that the variable CHROME names)",
      packages: ["chromium"],
      met: () => !chromium || findBrowser(),
    },
  ];
  return needs.filter(({ met }) => !met());
}

/** Installs by apt, as root on Debian, what the system lacks; elsewhere names all of it, before anything is built. */
async function systemPrograms(wanted) {
  nodeIsNewEnough();
  if (!packagesAreThere()) npmIsNewEnough();
  const missing = lacking(wanted);
  // Without Python its tests are left out with a sentence; where CI is set they must run.
  const fatal = missing.filter(({ packages }) => !packages.includes("python3") || process.env.CI);
  const packages = missing.flatMap((need) => need.packages);
  if (missing.length && debian()) await step(`${packages.join(", ")}, by apt`, () => apt(packages));
  else if (fatal.length) {
    throw new Failure(`install these and run this again: ${fatal.map(({ name }) => name).join("; ")}`);
  }
}

const NEWER_NODE = "install Node 20 or newer with npm 10 or newer from https://nodejs.org";

function nodeIsNewEnough() {
  if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE) {
    throw new Failure(`Node ${process.versions.node} is too old: ${NEWER_NODE}`);
  }
}

/** npm takes half a second to tell its version: it is asked only where it is needed. */
function npmIsNewEnough() {
  const npm = ask("npm", ["--version"]);
  if (!npm) throw new Failure(`npm is missing: ${NEWER_NODE}`);
  if (Number(npm.split(".")[0]) < OLDEST_NPM) throw new Failure(`npm ${npm} is too old: ${NEWER_NODE}`);
}

// ---- npm packages -------------------------------------------------------------------------------------------------

/** Whether node_modules holds what package-lock.json asks for. */
function packagesAreThere() {
  const read = (file) => JSON.parse(fs.readFileSync(at(file), "utf8")).packages;
  try {
    const installed = read("node_modules/.package-lock.json");
    return Object.entries(read("package-lock.json")).every(
      ([name, { version, optional }]) =>
        name === "" || (optional && !installed[name]) || installed[name]?.version === version,
    );
  } catch {
    return false;
  }
}

async function packages() {
  if (packagesAreThere()) return;
  needRoom(root, ROOM);
  await step("npm packages, as locked", () =>
    run("npm", ["ci", "--loglevel=error", "--no-progress"], {
      log: at(".wrangler/logs/npm.log"),
      failure: "`npm ci` could not install the packages",
    }),
  );
}

// ---- Rust for the host --------------------------------------------------------------------------------------------

async function rust() {
  if (!which("cargo")) {
    const home = path.join(process.env.CARGO_HOME || path.join(os.homedir(), ".cargo"), "bin");
    if (which("cargo", home)) {
      process.env.PATH = [home, process.env.PATH].join(path.delimiter);
    } else if (process.env.WORKERS_CI) {
      // Cloudflare's own build machines come without Rust and are thrown away after the build.
      await step("Rust, by rustup", () =>
        run("sh", ["-c", "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal"], {
          log: at(".wrangler/logs/rustup.log"),
          failure: "rustup could not install Rust",
        }),
      );
      process.env.PATH = [home, process.env.PATH].join(path.delimiter);
    } else if (debian()) {
      await step("Rust, by apt", () => apt(["cargo-web", "rustfmt-web", "rust-web-clippy", ...DEBIAN_PACKAGES]));
    } else {
      throw new Failure("Rust is missing: install it from https://rustup.rs and run this again");
    }
  }
  const version = ask("cargo", ["--version"])?.match(/(\d+)\.(\d+)/);
  if (!version) throw new Failure("`cargo --version` does not answer: repair Rust with `rustup default stable`");
  const [major, minor] = version.slice(1).map(Number);
  if (major === OLDEST_RUST[0] && minor < OLDEST_RUST[1]) {
    throw new Failure(
      `Rust ${major}.${minor} is too old, ${OLDEST_RUST.join(".")} is needed: run \`rustup update stable\``,
    );
  }
}

// ---- Rust for the Worker ------------------------------------------------------------------------------------------

const UNWIND = { RUSTC_BOOTSTRAP: "1", CARGO_UNSTABLE_BUILD_STD: "std,panic_unwind", RUSTFLAGS: "-Cpanic=unwind" };
const DEBIAN_PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];
const DEBIAN_TARGET = `/usr/lib/rustlib/${WASM}/lib`;

const hasSource = (sysroot) => fs.existsSync(path.join(sysroot, "lib/rustlib/src/rust/library/Cargo.lock"));
const hasTarget = (sysroot) => fs.existsSync(path.join(sysroot, "lib/rustlib", WASM, "lib"));
const isReady = (sysroot) => sysroot !== undefined && hasSource(sysroot) && hasTarget(sysroot);

/** A toolchain that can build the Worker: `name`, to be shown, and `env`, for worker-build and cargo. */
function findWasmToolchain() {
  const only = process.env.VEDETTE_RUST; // `rustup` or `debian`, to insist on one
  if (only !== "debian") {
    if (isReady(ask("rustc", ["--print", "sysroot"]))) return { name: "default", env: UNWIND };
    if (which("rustup") && isReady(ask("rustup", ["run", "nightly", "rustc", "--print", "sysroot"]))) {
      return { name: "nightly", env: { ...UNWIND, RUSTUP_TOOLCHAIN: "nightly" } };
    }
  }
  if (only !== "rustup" && isReady("/usr") && which("cargo", "/usr/bin") && which("rustc", "/usr/bin")) {
    const env = { ...UNWIND, RUSTC: "/usr/bin/rustc", CARGO: "/usr/bin/cargo" };
    return { name: "debian", env: { ...env, PATH: ["/usr/bin", environment().PATH].join(path.delimiter) } };
  }
  return undefined;
}

/** The toolchain that builds the Worker, for those who know that set-up is done. */
export function wasmToolchain() {
  const found = findWasmToolchain();
  if (!found) throw new Failure("the Worker's Rust toolchain is not ready: run `node scripts/setup.mjs`");
  return found;
}

async function installWasmToolchain() {
  if (which("rustup") && process.env.VEDETTE_RUST !== "debian") {
    const log = at(".wrangler/logs/rustup.log");
    try {
      await run("rustup", ["target", "add", WASM], { log, timeout: 300_000 });
      await run("rustup", ["component", "add", "rust-src"], { log, timeout: 300_000 });
    } catch {
      if (!debian()) {
        throw new Failure(
          `rustup could not fetch what the Worker's build needs: with a network, run \`rustup target add ${WASM} && rustup component add rust-src\``,
        );
      }
    }
  }
  if (!findWasmToolchain() && debian()) {
    await apt(DEBIAN_PACKAGES);
    fs.mkdirSync(DEBIAN_TARGET, { recursive: true }); // worker-build only asks that it exists
  }
  const found = findWasmToolchain();
  if (!found) {
    throw new Failure(
      `the Worker is built with panic=unwind, which needs Rust's own source: run \`rustup target add ${WASM} && rustup component add rust-src\` (or, on Debian as root, \`apt-get install ${DEBIAN_PACKAGES.join(" ")} && mkdir -p ${DEBIAN_TARGET}\`)`,
    );
  }
  return found;
}

// ---- programs that the Worker's build calls -----------------------------------------------------------------------

/** The version of a crate in Cargo.lock. */
export function lockedVersion(crate) {
  const lock = fs.readFileSync(at("Cargo.lock"), "utf8");
  const version = lock.match(new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`))?.[1];
  if (!version) throw new Failure(`Cargo.lock does not name ${crate}: run \`cargo update --workspace\``);
  return version;
}

const toolFile = (name, version) => path.join(cacheFolder, `${name}-${version}`, "bin", name);

/** Where the programs of the Worker's build are, under the names that worker-build asks for: it then fetches nothing. */
export function toolPaths() {
  return {
    workerBuild: toolFile("worker-build", WORKER_BUILD),
    env: {
      WASM_BINDGEN_BIN: toolFile("wasm-bindgen", lockedVersion("wasm-bindgen")),
      WASM_OPT_BIN: packageProgram("wasm-opt"),
      ESBUILD_BIN: packageProgram("esbuild"),
    },
  };
}

/** Builds a program once a machine and version, into the user's cache folder. */
async function tool(name, crate, version) {
  if (fs.existsSync(toolFile(name, version))) return;
  needRoom(cacheFolder, ROOM);
  const folder = path.join(cacheFolder, `${name}-${version}`);
  const building = `${folder}.building-${process.pid}`; // moved into place when done: another clone may do the same
  process.on("exit", () => fs.rmSync(building, { recursive: true, force: true }));
  await step(`${name} ${version}, once a machine (a few minutes)`, async () => {
    const args = ["install", crate, "--version", `=${version}`, "--bin", name, "--root", path.join(building, "root")];
    const options = {
      log: at(`.wrangler/logs/install-${name}.log`),
      failure: `\`cargo install ${crate}\` failed`,
      // Unoptimized, they are built in half the time, and take a second longer in each build of the Worker.
      env: environment({
        CARGO_TARGET_DIR: path.join(building, "target"),
        CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
        CARGO_PROFILE_RELEASE_LTO: "false",
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
        CARGO_PROFILE_RELEASE_DEBUG: "false",
      }),
    };
    try {
      await run("cargo", [...args, "--locked"], options).catch((error) => {
        // A registry mirror may not serve what the author locked; then the newest compatible versions have to do.
        if (!/failed to (download|select|get)|no matching package|yanked/i.test(error.output ?? "")) throw error;
        return run("cargo", args, options);
      });
      fs.rmSync(folder, { recursive: true, force: true });
      fs.renameSync(path.join(building, "root"), folder);
    } catch (error) {
      if (!fs.existsSync(toolFile(name, version))) throw error;
    } finally {
      fs.rmSync(building, { recursive: true, force: true });
    }
  });
}

// ---- the browser that the tests drive -----------------------------------------------------------------------------

const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_BROWSER = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/** Chromium's path, or undefined. `CHROME` wins. */
export function findBrowser() {
  if (process.env.CHROME) return process.env.CHROME;
  return BROWSERS.map((name) => which(name)).find(Boolean) ?? (fs.existsSync(MAC_BROWSER) ? MAC_BROWSER : undefined);
}

// ---- Debian -------------------------------------------------------------------------------------------------------

const debian = () => isRoot && fs.existsSync("/etc/debian_version") && which("apt-get") !== undefined;

async function apt(names) {
  const env = environment({ DEBIAN_FRONTEND: "noninteractive" });
  const log = at(".wrangler/logs/apt.log");
  const wait = ["-o", "DPkg::Lock::Timeout=300"];
  await run("apt-get", ["update", "-q", ...wait], { env, log, failure: "`apt-get update` failed" });
  await run("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...wait, ...names], {
    env,
    log,
    failure: `apt could not install ${names.join(" ")}`,
  });
}

if (isMain(import.meta.url)) {
  main(async () => {
    const began = Date.now();
    const { name } = await setUp({
      chromium: process.argv.includes("--chromium"),
      python: process.argv.includes("--python"),
    });
    process.stdout.write(`Ready (Rust for the Worker: ${name}; ${((Date.now() - began) / 1000).toFixed(1)} s).\n`);
  });
}
