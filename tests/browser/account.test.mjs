// A person's own page: the MCP clients that they let in, and how to end them.

import assert from "node:assert/strict";
import { PATIENCE, isAccessible, scene, shot } from "./harness.mjs";
import { decideAtSentry, letIn } from "./mcp-client.mjs";

const ACCOUNT = "ada@example.com";

async function signIn(world, page) {
  await page.goto(`${world.worker}/account`);
  await page.getByRole("button", { name: "Sign in with Sentry" }).click();
  await decideAtSentry(page, ACCOUNT, "Approve");
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

/** Reloads until so many clients are listed: each lists itself a moment after it was let in. */
async function listed(page, count) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    await page.reload();
    if ((await page.getByRole("button", { name: /^Disconnect (?!all)/ }).count()) === count) return;
    assert.ok(Date.now() < end, `not ${count} clients are listed`);
  }
}

const heading = (page, name) => page.getByRole("heading", { level: 2, name });

for (const [look, options] of Object.entries({
  light: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 } },
})) {
  scene(`the account page, ${look}`, async ({ world, open }) => {
    const context = await open(options);
    const page = await context.newPage();
    await page.goto(`${world.worker}/account`);
    await isAccessible(page, "sign-in");
    await shot(page, `account-${look}-1-sign-in`, { fullPage: true });
    await signIn(world, page);
    await page.getByText("No application uses").waitFor();
    await isAccessible(page, "empty");
    await shot(page, `account-${look}-2-empty`, { fullPage: true });

    const cursor = await letIn(world, context, { name: "Cursor", redirect: "http://127.0.0.1:8976/oauth/callback", account: ACCOUNT });
    const claude = await letIn(world, context, { name: "Claude Code", path: "/mcp/globex/checkout-api", account: ACCOUNT });
    await letIn(world, context, { name: "Someone else's", account: "grace@example.com" });
    assert.equal(await claude.status(), 200);
    await page.bringToFront();
    await listed(page, 2);
    await heading(page, "Claude Code").waitFor();
    await heading(page, "Cursor").waitFor();
    assert.equal(await page.getByText("Someone else's").count(), 0);
    await isAccessible(page, "two clients");
    await shot(page, `account-${look}-3-clients`, { fullPage: true });

    await page.getByRole("button", { name: "Disconnect Claude Code" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("was disconnected").waitFor();
    assert.equal(await heading(page, "Claude Code").count(), 0);
    assert.deepEqual([await claude.status(), await cursor.status()], [401, 200]);
    await isAccessible(page, "one was disconnected");
    await shot(page, `account-${look}-4-disconnected`, { fullPage: true });
    await page.getByRole("button", { name: "Disconnect Cursor" }).click();
    await page.getByText("No application uses").waitFor();
    assert.equal(await cursor.status(), 401);
    const end = Date.now() + PATIENCE;
    for (;;) {
      const { sentry } = await world.state();
      if (sentry.live_tokens === 1) break; // Grace's
      assert.ok(Date.now() < end, "Ada's tokens live on at Sentry");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out.").waitFor();
    await page.goto(`${world.worker}/account`);
    await page.getByRole("button", { name: "Sign in with Sentry" }).waitFor();
    assert.deepEqual((await context.cookies()).filter((cookie) => cookie.name.includes("account")), []);
  });
}

scene("the account page by keyboard alone, and everything at once", async ({ world, open }) => {
  const context = await open();
  const page = await context.newPage();
  const clients = [];
  for (const name of ["One", "Two", "Three"]) clients.push(await letIn(world, context, { name, account: ACCOUNT }));
  await signIn(world, page);
  const cookie = (await context.cookies()).find(({ name }) => name === "__Host-vedette_account");
  assert.ok(cookie?.httpOnly && cookie.secure && cookie.sameSite === "Lax", JSON.stringify(cookie));
  await listed(page, 3);
  await heading(page, "Three").waitFor();
  const reached = [];
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ""));
    if (reached.at(-1) === "Disconnect all") break;
  }
  assert.deepEqual(reached, ["Vedette", "Disconnect", "Disconnect", "Disconnect", "Disconnect all"]);
  await page.keyboard.press("Enter");
  await page.getByText("3 clients were disconnected").waitFor();
  assert.deepEqual(await Promise.all(clients.map((client) => client.status())), [401, 401, 401]);
});

