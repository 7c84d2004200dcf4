// Python programs for the tests: a virtual environment for each locked list of packages, made once a machine, and a program in it
// that a person at a browser helps.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { cacheFolder } from "../../scripts/lib.mjs";
import { approve } from "../consent.mjs";
import { root } from "../browser/world.mjs";
import { PATIENCE } from "./harness.mjs";

const folder = path.join(root, "tests/interop/python");

/** Why Python cannot be tested with, as a sentence; undefined when it can. */
export const noPython = (() => {
  const { status, stderr } = spawnSync("python3", ["-c", "import sys, venv, ensurepip; assert sys.version_info >= (3, 11), 'Python 3.11 or newer is needed'"], { encoding: "utf8" });
  if (status === 0) return undefined;
  const why = stderr?.trim().split("\n").at(-1) || "there is no `python3`";
  return `Python clients are left out: ${why}. Install Python 3.11 or newer with its venv module.`;
})();

/** The Python of the environment that holds exactly what `tests/interop/python/NAME.txt` lists. */
export function environmentOf(name) {
  const list = path.join(folder, `${name}.txt`);
  const version = spawnSync("python3", ["-VV"], { encoding: "utf8" }).stdout;
  const key = createHash("sha256").update(version).update(fs.readFileSync(list)).digest("hex").slice(0, 16);
  const home = path.join(cacheFolder, `python-${name}-${key}`);
  const python = path.join(home, "bin/python");
  const done = path.join(home, "complete"); // an environment cannot be moved into place: its programs hold its path
  if (fs.existsSync(done)) return python;
  fs.rmSync(home, { recursive: true, force: true });
  const run = (program, ...args) => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
    assert.equal(status, 0, `${program} ${args.join(" ")} failed: ${error ?? ""}\n${stdout}\n${stderr}`);
  };
  run("python3", "-m", "venv", home);
  run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r", list);
  fs.writeFileSync(done, "");
  return python;
}

/**
 * Runs a program of tests/interop/python. Each address that it opens is approved by the person; the redirect goes to its standard
 * input, or, with `fetches`, to the address where the program itself listens. Returns its steps.
 */
export async function play(python, file, args, { fetches = false } = {}) {
  const child = spawn(python, [path.join(folder, file), ...args], { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } });
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE - 5_000);
  const steps = [];
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const closed = once(child, "close");
  const reading = (async () => {
    for await (const line of createInterface(child.stdout)) {
      if (line.startsWith("step ")) steps.push(line.slice(5));
      if (!line.startsWith("open ")) continue;
      const back = await approve(line.slice(5));
      if (fetches) assert.equal((await fetch(back)).status, 200);
      else child.stdin.write(`${back.href}\n`);
    }
  })();
  try {
    await reading;
    const [code] = await closed;
    assert.equal(code, 0, `${file} ended with ${code} after [${steps.join(", ")}]:\n${errors.slice(-6_000)}`);
    return steps;
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}
