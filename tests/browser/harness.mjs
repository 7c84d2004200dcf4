// What the browser tests share: a browser that watches itself, and the small Slack that it looks at, in a world of their
// own (world.mjs). Chromium is $CHROME, else /usr/bin/chromium.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, test } from "node:test";
import { chromium } from "playwright-core";
import { root, startWorld } from "./world.mjs";

const pictures = path.join(root, "test-output/browser");

/** How long anything may take to show. Generous: machines that test are busy. */
export const PATIENCE = 20_000;

export const ADA = { id: "U0ADA", name: "ada", account: "ada@example.com" };
export const GRACE = { id: "U0GRACE", name: "grace", account: "grace@example.com" };
export const INCIDENTS = "C0INCIDENTS";

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

/** An address of another scheme than these is not fetched: it is in the page, or opens an application. */
const isLoopback = (address) => !["http:", "https:", "ws:", "wss:"].includes(new URL(address).protocol) || new URL(address).hostname === "127.0.0.1";

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

// ---- accessibility ------------------------------------------------------------------------------------------------

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * No serious or critical violation. axe comes through the debugger, so the page's own policy stays in force for the page.
 */
export async function isAccessible(page, name) {
  const session = await page.context().newCDPSession(page);
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    assert.ok(!exceptionDetails, JSON.stringify(exceptionDetails));
    return result.value;
  };
  await evaluate(`${axe}; undefined`);
  const violations = await evaluate("axe.run().then((result) => result.violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, at: nodes.map((node) => node.target.join(' ')) })))");
  await session.detach();
  assert.deepEqual(violations.filter(({ impact }) => ["serious", "critical"].includes(impact)), [], name);
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
        faults,
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

  /** The thread that is open. */
  get thread() {
    return this.page.getByTestId("thread-panel");
  }

  /** Opens the thread of a message, once it has a reply. Slack opens none by itself. */
  async openThread(ts) {
    await this.page.locator(`#messages [data-ts="${ts}"]`).getByTestId("thread-link").click();
    await this.page.locator(`#thread-messages [data-ts="${ts}"]`).waitFor();
  }

  /** Asks in the conversation, and opens the thread with the answer. */
  async ask(text) {
    const ts = await this.say(text);
    await this.openThread(ts);
    return ts;
  }

  /** The newest control of the open thread whose action id begins so. */
  control(action) {
    return this.thread.locator(`[data-action-id^="${action}"]`).last();
  }

  /** Asks in the conversation, and waits for the private link in the thread. */
  async askAndGetLink(text) {
    const ts = await this.say(text);
    await this.until("a private link in the thread", async () =>
      (await this.messages()).some((message) => message.thread_ts === ts && JSON.stringify(message.blocks).includes("connect_link")));
    await this.openThread(ts);
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
