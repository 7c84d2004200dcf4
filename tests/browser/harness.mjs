// What the browser tests share: a world (sandbox, Worker, both on loopback ports of their own and with a state of their
// own), a browser that watches itself, and the small Slack that it looks at.
//
// Chromium is $CHROME, else /usr/bin/chromium. The sandbox is $VEDETTE_SANDBOX, else target/debug/vedette-sandbox.

import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const pictures = path.join(root, "test-output/browser");

/** How long anything may take to show. Generous: machines that test are busy. */
export const PATIENCE = 20_000;

export const ADA = { id: "U0ADA", name: "ada", account: "ada@example.com" };
export const GRACE = { id: "U0GRACE", name: "grace", account: "grace@example.com" };
export const INCIDENTS = "C0INCIDENTS";

// ---- processes ----------------------------------------------------------------------------------------------------

/** Every process of this file that runs now. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts a program that ends with its standard input, and waits for its line that begins with `ready`. */
async function launch(program, args) {
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

/** A port that nobody listens on. */
async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** The Node that can run workerd's launcher: the project's own, where it is installed. */
const node = [path.join(root, "node_modules/.bin/node"), process.execPath].find((file) => fs.existsSync(file));

/** A sandbox and a Worker that know each other. `vars` are further variables of the Worker. */
export async function startWorld({ vars = {}, sandboxArguments = [] } = {}) {
  const sandboxProgram = path.resolve(root, process.env.VEDETTE_SANDBOX ?? "target/debug/vedette-sandbox");
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
  const app = await launch(node, ["tests/worker.mjs", "--port", port, "--persist", path.join(state, "worker"), "--vars", file]).catch(async (error) => {
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
    state: (person) => control(`state${person ? `?person=${person}` : ""}`),
    logs: () => `--- sandbox\n${sandbox.log.text}\n--- worker\n${app.log.text}`,
    stop: async () => {
      await Promise.all([app.stop(), sandbox.stop()]);
      fs.rmSync(state, { recursive: true, force: true });
    },
  };
}

// ---- the browser --------------------------------------------------------------------------------------------------

let browser;
after(() => browser?.close());

async function theBrowser() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROME ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
  return browser;
}

const isLoopback = (address) => ["data:", "blob:", "about:"].includes(new URL(address).protocol) || new URL(address).hostname === "127.0.0.1";

/** A page whose status is an error is logged by Chromium as one; that is no error of the page. */
const isOwnStatus = (message, page) => /^Failed to load resource: the server responded with a status of/.test(message.text()) && message.location().url === page.url();

/** A person's browser: cookies of its own, and `faults`, which must stay empty. */
async function openContext(options, faults) {
  const context = await (await theBrowser()).newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(PATIENCE);
  context.on("request", (request) => {
    if (!isLoopback(request.url())) faults.push(`a request left loopback: ${request.url()}`);
  });
  context.on("page", (page) => {
    page.on("console", (message) => {
      if (message.type() === "error" && !isOwnStatus(message, page)) faults.push(`console on ${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => faults.push(`script on ${page.url()}: ${error.message}`));
  });
  return context;
}

/** Saves what a page looks like, and makes sure that it needs no scrolling sideways. */
export async function shot(page, name, options = {}) {
  fs.mkdirSync(pictures, { recursive: true });
  const file = path.join(pictures, `${name}.png`);
  await page.screenshot({ path: file, ...options });
  await fitsAcross(page, name);
  return file;
}

export async function fitsAcross(page, name = page.url()) {
  const { inner, content } = await page.evaluate(() => ({ inner: document.documentElement.clientWidth, content: document.documentElement.scrollWidth }));
  assert.ok(content <= inner, `${name} is ${content} px wide in a window of ${inner} px`);
}

// ---- scenes -------------------------------------------------------------------------------------------------------

/**
 * A test in a world of its own. `play` gets `{ world, person, faults }`; `person(ADA)` opens that person's Slack in a
 * browser of their own. When it fails, the logs and a picture of every open page are kept.
 */
export function scene(title, options, play) {
  if (typeof options === "function") return scene(title, {}, options);
  return test(title, { timeout: 180_000 }, async (t) => {
    const world = await startWorld(options);
    const contexts = [];
    const faults = [];
    const open = async (more = {}) => {
      const context = await openContext(more, faults);
      contexts.push(context);
      return context;
    };
    try {
      await play({
        world,
        open,
        person: async (who, { channel = INCIDENTS, ...more } = {}) => SmallSlack.open(world, await open(more), who, channel),
      }, t);
      assert.deepEqual(faults, []);
      const { unhandled } = await world.control("slack/log");
      assert.deepEqual(unhandled, [], "the sandbox's Slack does not play these");
    } catch (error) {
      await keepEvidence(title, contexts);
      process.stderr.write(`${world.logs()}\n${faults.join("\n")}\n`);
      throw error;
    } finally {
      await Promise.all(contexts.map((context) => context.close()));
      await world.stop();
    }
  });
}

async function keepEvidence(title, contexts) {
  fs.mkdirSync(pictures, { recursive: true });
  const name = title.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 60);
  for (const [index, page] of contexts.flatMap((context) => context.pages()).entries()) {
    await page.screenshot({ path: path.join(pictures, `failed-${name}-${index}.png`) }).catch(() => {});
  }
}

// ---- the small Slack ----------------------------------------------------------------------------------------------

/** One person's window on the sandbox's page. */
export class SmallSlack {
  static async open(world, context, who, channel) {
    const page = await context.newPage();
    await page.goto(`${world.slack}/#/${who.id}/${channel}`);
    await page.getByTestId("composer-input").waitFor();
    return new SmallSlack(world, context, page, who, channel);
  }

  constructor(world, context, page, who, channel) {
    Object.assign(this, { world, context, page, who, channel });
  }

  /** Types into the conversation and sends. Resolves to the message's `ts` (nothing for a slash command). */
  async say(text) {
    const before = new Set((await this.messages()).map((message) => message.id));
    await this.page.getByTestId("composer-input").fill(text);
    await this.page.getByTestId("composer-input").press("Enter");
    if (text.startsWith("/")) return undefined;
    const mine = await this.until("what was said shows", async () =>
      (await this.messages()).find((message) => message.author === this.who.id && !before.has(message.id)));
    return mine.ts;
  }

  /** What this person can see in this conversation. */
  async messages() {
    const { messages } = await this.world.state(this.who.id);
    return messages.filter((message) => message.channel === this.channel && !message.deleted);
  }

  /** What the app said in a thread for everybody to see. */
  async replies(ts) {
    return (await this.messages()).filter((message) => message.thread_ts === ts && message.author === "U0VEDETTE" && !message.private_to);
  }

  async until(what, look) {
    const end = Date.now() + PATIENCE;
    for (;;) {
      const found = await look();
      if (found) return found;
      assert.ok(Date.now() < end, `in ${PATIENCE / 1000} s not: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Waits for text to show in the messages. */
  sees(text) {
    return this.page.locator(".messages").getByText(text).first().waitFor();
  }

  /** The newest control whose action id begins so. */
  control(action) {
    return this.page.locator(`[data-action-id^="${action}"]`).last();
  }

  /** Asks, and waits for the private link. */
  async askAndGetLink(text) {
    const ts = await this.say(text);
    await this.control("connect_link").waitFor();
    return ts;
  }

  /** Presses the private link: the page that it opens. */
  async follow(control = this.control("connect_link")) {
    const [page] = await Promise.all([this.context.waitForEvent("page"), control.click()]);
    await page.getByRole("heading", { level: 1 }).waitFor();
    return page;
  }

  /** From the private link to `Sentry account connected`, as the account that is this person's own. */
  async connect({ account = this.who.account } = {}) {
    const page = await this.follow();
    await toSentry(page);
    await approve(page, account);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByRole("heading", { name: "Sentry account connected" }).waitFor();
    await page.close();
    await this.page.bringToFront();
  }

  /** Asks something that needs access, connects, and waits for the answer. */
  async askConnected(text, answer) {
    const ts = await this.askAndGetLink(text);
    await this.connect();
    await this.sees(answer);
    return ts;
  }
}

/** From the start page to Sentry's own. */
export async function toSentry(page) {
  await page.getByRole("button", { name: "Continue to Sentry" }).click();
  await page.getByRole("heading", { name: "Vedette would like to see your Sentry" }).waitFor();
}

/** At Sentry: yes, as this account. */
export async function approve(page, account) {
  await page.locator(`input[name=account][value="${account}"]`).check();
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("heading", { name: "Connect these two?" }).waitFor();
}

/** At Sentry: no. */
export async function deny(page) {
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
}
