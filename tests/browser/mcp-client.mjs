// An MCP client as the browser tests play it: it registers, sends a person to the consent page, and takes its code from the
// address that the browser is sent back to, which nobody listens on.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

const form = (fields) => ({
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams(fields).toString(),
});

/** Registers a client; its consent page's address, and what becomes of the address that it ends at. */
export async function register(world, { name, redirect = "http://127.0.0.1:3118/callback", path = "/mcp", more = {} }) {
  const response = await fetch(`${world.worker}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: name,
      redirect_uris: [redirect],
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      ...more,
    }),
  });
  assert.equal(response.status, 201, await response.clone().text());
  const { client_id } = await response.json();
  const verifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    client_id,
    redirect_uri: redirect,
    response_type: "code",
    state: "the client's state",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    resource: `${world.worker}${path}`,
  });
  return {
    url: `${world.worker}/oauth/authorize?${query}`,
    redirect,
    async redeem(code) {
      const answer = await fetch(`${world.worker}/oauth/token`, form({
        grant_type: "authorization_code", code, redirect_uri: redirect, code_verifier: verifier, client_id,
      }));
      assert.equal(answer.status, 200, await answer.clone().text());
      return answer.json();
    },
  };
}

/** Opens the consent page; `ending` is the address at the client that the browser is finally sent to. */
export async function openConsent(world, page, client) {
  const ending = new Promise((resolve) => {
    page.on("response", (response) => {
      const location = response.headers().location ?? "";
      if (location.startsWith(`${client.redirect}?`)) resolve(new URL(location));
    });
  });
  await page.goto(client.url);
  await page.getByRole("heading", { level: 1, name: "Let this application into your Sentry account?" }).waitFor();
  return { ending };
}

/** On Sentry's own page: `Approve` or `Deny`, as this account. */
export async function decideAtSentry(page, account, decision) {
  await page.getByRole("heading", { name: "Vedette would like to see your Sentry" }).waitFor();
  if (decision === "Approve") await page.locator(`input[name=account][value="${account}"]`).check();
  await page.getByRole("button", { name: decision }).click({ noWaitAfter: true });
}

/** The whole way of a client that a person lets in, in a page of its own. */
export async function letIn(world, context, { account, path = "/mcp", ...about }) {
  const client = await register(world, { path, ...about });
  const page = await context.newPage();
  const { ending } = await openConsent(world, page, client);
  await page.getByRole("button", { name: "Approve" }).click();
  await decideAtSentry(page, account, "Approve");
  const tokens = await client.redeem((await ending).searchParams.get("code"));
  await page.close();
  const status = async () => {
    const response = await fetch(`${world.worker}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${tokens.access_token}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  return { tokens, status };
}
