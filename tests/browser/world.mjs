// A world to try the Worker in: a sandbox and a Worker that know each other, on loopback ports and with a state of their
// own. The sandbox is $VEDETTE_SANDBOX, else the one that cargo built; the Worker is the one that is built.

import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Every process of this file that runs now. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts a program that ends with its standard input, and waits for its line that begins with `ready`. */
export async function launch(program, args) {
  const child = spawn(program, args, { cwd: root, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  const log = { text: "" };
  const ended = once(child, "exit").then(() => running.delete(child));
  const ready = new Promise((resolve, reject) => {
    const read = (chunk) => {
      log.text += chunk;
      const line = /^ready (.*)$/m.exec(log.text);
      if (line) resolve(line[1]);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${path.basename(program)} ended with ${code}:\n${log.text}`)));
  });
  ready.catch(() => {});
  const stop = async () => {
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(force);
  };
  return { ready: await ready, log, stop };
}

/**
 * A port that nobody listens on. It is below those that the system hands out by itself (from 32768 on Linux, from 49152
 * elsewhere): one of them may become somebody's connection before it is used.
 */
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = net.createServer();
    const free = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** The Node that can run workerd's launcher: the project's own, where it is installed. */
export const node = [path.join(root, "node_modules/.bin/node"), process.execPath].find((file) => fs.existsSync(file));

/** The process id in the last line `workerd PID` of a log. */
export const workerdPid = (log) => Number(log.text.match(/^workerd \d+$/gm)?.at(-1).split(" ")[1]);

/** A sandbox and a Worker that know each other. `vars` are further variables of the Worker, `workerArguments` worker.mjs's. */
export async function startWorld({ vars = {}, sandboxArguments = [], workerArguments = [] } = {}) {
  const built = path.join(process.env.CARGO_TARGET_DIR ?? "target", "debug/vedette-sandbox");
  const sandboxProgram = path.resolve(root, process.env.VEDETTE_SANDBOX ?? built);
  assert.ok(fs.existsSync(sandboxProgram), `the sandbox is not built: ${sandboxProgram} (\`cargo build -p vedette-sandbox\`)`);
  const state = fs.mkdtempSync(path.join(os.tmpdir(), "vedette-browser-"));
  const worker = `http://127.0.0.1:${await freePort()}`;
  const sandbox = await launch(sandboxProgram, ["--port", "0", "--sentry-port", "0", "--app", worker, "--with-parent", ...sandboxArguments]);
  const [, slack, sentry] = /slack=(\S+) sentry=(\S+)/.exec(sandbox.ready);
  const file = path.join(state, "vars.json");
  fs.writeFileSync(file, JSON.stringify({
    BASE_URL: worker,
    COOKIE_SECRET: "a secret of the browser tests, 32 bytes or more",
    SENTRY_HOST: sentry,
    SENTRY_CLIENT_ID: "sandbox-client-id",
    SENTRY_CLIENT_SECRET: "sandbox-client-secret",
    SLACK_API_URL: `${slack}/api`,
    SLACK_BOT_TOKEN: "xoxb-sandbox-bot-token",
    SLACK_SIGNING_SECRET: "sandbox-signing-secret",
    ...vars,
  }));
  const { port } = new URL(worker);
  const app = await launch(node, ["tests/worker.mjs", "--port", port, "--persist", path.join(state, "worker"), "--vars", file, ...workerArguments]).catch(async (error) => {
    await sandbox.stop();
    throw error;
  });
  const control = async (route, body) => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const response = await fetch(`${slack}/sandbox/${route}`, init);
    assert.ok(response.ok, `${route}: ${response.status} ${await response.clone().text()}`);
    return response.json();
  };
  return {
    slack,
    sentry,
    worker,
    control,
    workerdPid: () => workerdPid(app.log),
    state: (person) => control(`state${person ? `?person=${person}` : ""}`),
    /** Kills workerd without a warning, and waits until it is up again with the same storage. */
    kill: async () => {
      const starts = () => app.log.text.match(/^ready /gm).length;
      const before = starts();
      process.kill(Number(app.log.text.match(/^workerd \d+$/gm).at(-1).slice("workerd ".length)), "SIGKILL");
      for (const end = Date.now() + 30_000; starts() === before; ) {
        assert.ok(Date.now() < end, `workerd is not up again:\n${app.log.text}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    logs: () => `--- sandbox\n${sandbox.log.text}\n--- worker\n${app.log.text}`,
    stop: async () => {
      await Promise.all([app.stop(), sandbox.stop()]);
      fs.rmSync(state, { recursive: true, force: true });
    },
  };
}
