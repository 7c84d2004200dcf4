// What the tests with other people's clients share: a world for a file of tests, a client's own programs that always end,
// and a proxy that signs in for a client that cannot.

import assert from "node:assert/strict";
import http from "node:http";
import path from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { root, startWorld } from "../browser/world.mjs";

/** How long one test may take, in milliseconds. Generous: machines that test are busy. */
export const PATIENCE = 120_000;

/**
 * One world for all tests of a file: `const peer = inOneWorld()`, and then `peer(title, async (world, t) => …)` for each of them.
 * When one fails, what sandbox and Worker logged is shown.
 */
export function inOneWorld(options) {
  let world;
  before(async () => (world = await startWorld(options)));
  after(() => world?.stop());
  return (title, play) =>
    test(title, { timeout: PATIENCE }, async (t) => {
      try {
        await play(world, t);
      } catch (error) {
        process.stderr.write(`${title}\n${world?.logs() ?? ""}\n`);
        throw error;
      }
    });
}

// ---- programs -----------------------------------------------------------------------------------------------------

const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));

/**
 * Runs a program of node_modules, by its file, until it ends: `{ code, output }`. `heard(text)` gets all output so far, each time
 * that there is more; when it throws, or after `PATIENCE`, the program is killed.
 */
export async function runNode(file, args, { heard = () => {}, patience = PATIENCE, env = {}, stdin = "ignore" } = {}) {
  const child = spawn(path.join(root, "node_modules/.bin/node"), [path.join(root, "node_modules", file), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: [stdin, "pipe", "pipe"],
  });
  children.add(child);
  let output = "";
  const timer = setTimeout(() => child.kill("SIGKILL"), patience);
  const failed = new Promise((_, reject) => {
    const read = (chunk) => {
      output += chunk;
      Promise.resolve(output).then(heard).catch((error) => {
        child.kill("SIGKILL");
        reject(error);
      });
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
  });
  try {
    const [code, signal] = await Promise.race([once(child, "close"), failed]);
    assert.equal(signal, null, `${file} was ended after ${patience / 1000} s:\n${output}`);
    return { code, output };
  } finally {
    clearTimeout(timer);
    children.delete(child);
  }
}

// ---- servers ------------------------------------------------------------------------------------------------------

/** A loopback server for the length of a test `t`: its origin. */
export async function serve(t, handler) {
  const server = http.createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A server that passes everything on to `target` and adds the token: for clients that have no way to sign in. */
export function bearerProxy(t, target, token) {
  return serve(t, (request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const onward = http.request(new URL(request.url, target), { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
}
