// The page where a person lets an MCP client in: how it looks, by keyboard, and both ways that it ends.

import assert from "node:assert/strict";
import { isAccessible, scene, shot } from "./harness.mjs";
import { decideAtSentry, openConsent, register } from "./mcp-client.mjs";

const ACCOUNT = "ada@example.com";

for (const [look, options] of Object.entries({
  light: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 } },
})) {
  scene(`the consent page of an MCP client, ${look}: approved`, async ({ world, open }) => {
    const page = await (await open(options)).newPage();
    const client = await register(world, { name: "Claude Code", path: "/mcp/globex/checkout-api", more: { client_uri: "https://claude.example/code" } });
    const { ending } = await openConsent(world, page, client);
    for (const shown of ["Claude Code", "127.0.0.1:3118", "globex", "checkout-api", "https://claude.example/code"]) {
      await page.getByText(shown).first().waitFor();
    }
    await isAccessible(page, "consent");
    await shot(page, `mcp-consent-${look}`, { fullPage: true });
    assert.equal(await page.getByRole("checkbox").count(), 1, "a skill without a tool of its own is not offered");
    await page.getByText("only reads").waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    await decideAtSentry(page, ACCOUNT, "Approve");
    const answer = (await ending).searchParams;
    assert.deepEqual([answer.get("state"), answer.get("iss"), answer.get("error")], ["the client's state", world.worker, null]);
    const tokens = await client.redeem(answer.get("code"));
    assert.equal(tokens.resource, `${world.worker}/mcp/globex/checkout-api`);
    assert.ok(!tokens.scope.includes("write"), tokens.scope);
  });
}

scene("the consent page of an application with its own links, and a no at each of both places", async ({ world, open }) => {
  const page = await (await open()).newPage();
  const client = await register(world, { name: "Cursor", redirect: "cursor://anysphere.cursor-mcp/oauth/callback" });
  const here = await openConsent(world, page, client);
  await isAccessible(page, "consent of a private scheme");
  await shot(page, "mcp-consent-links", { fullPage: true });
  await page.getByRole("button", { name: "Cancel" }).click({ noWaitAfter: true });
  const cancelled = (await here.ending).searchParams;
  assert.deepEqual([cancelled.get("error"), cancelled.get("state"), cancelled.get("iss")], ["access_denied", "the client's state", world.worker]);
  const anew = await page.context().newPage();
  const there = await openConsent(world, anew, client);
  await anew.getByRole("button", { name: "Approve" }).click();
  await decideAtSentry(anew, ACCOUNT, "Deny");
  assert.equal((await there.ending).searchParams.get("error"), "access_denied");
});

scene("the consent page by keyboard alone, and with nothing ticked", async ({ world, open }) => {
  const page = await (await open()).newPage();
  const client = await register(world, { name: "Claude Code" });
  await openConsent(world, page, client);
  const stops = [];
  for (let step = 0; step < 8; step += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => document.activeElement?.name || document.activeElement?.textContent.trim());
    stops.push(stop);
    if (stop?.startsWith("skill-")) await page.keyboard.press("Space");
    if (stop === "decision") break;
  }
  assert.deepEqual(stops, ["Vedette", "skill-inspect", "Your MCP clients", "decision"]);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Nothing was ticked" }).waitFor();
  await isAccessible(page, "nothing ticked");
  await shot(page, "mcp-consent-nothing-ticked");
});
