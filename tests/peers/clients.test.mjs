// Clients from npm that are no dependency of this project: they have a lock file of their own, tests/peers/clients, and are
// installed by this test.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
import { before } from "node:test";
import { pathToFileURL } from "node:url";
import { REDIRECT, approve, flow, register } from "../consent.mjs";
import { root } from "../browser/world.mjs";
import { inOneWorld, runNode } from "./harness.mjs";

const folder = path.join(root, "tests/peers/clients");
const require = createRequire(path.join(folder, "package.json"));

before(() => {
  const installed = path.join(folder, "node_modules/.package-lock.json");
  const lock = path.join(folder, "package-lock.json");
  if (fs.existsSync(installed) && fs.statSync(installed).mtimeMs >= fs.statSync(lock).mtimeMs) return;
  execFileSync("npm", ["ci", "--ignore-scripts", "--loglevel=error", "--no-progress"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
});

const peer = inOneWorld();

for (const method of ["none", "client_secret_basic", "client_secret_post"]) {
  peer(`openid-client, ${method}: discovers, registers, authorizes, refreshes, revokes`, async ({ worker }) => {
    const client = await import(pathToFileURL(path.join(folder, "node_modules/openid-client/build/index.js")));
    const options = { execute: [client.allowInsecureRequests], algorithm: "oauth2" };
    const metadata = { redirect_uris: [REDIRECT], token_endpoint_auth_method: method, grant_types: ["authorization_code", "refresh_token"] };
    const authentication = { none: client.None, client_secret_basic: client.ClientSecretBasic, client_secret_post: client.ClientSecretPost }[method]();
    const config = await client.dynamicClientRegistration(new URL(worker), metadata, authentication, options);
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      resource: `${worker}/mcp`,
    });
    const tokens = await client.authorizationCodeGrant(config, await approve(url), { pkceCodeVerifier: verifier, expectedState: state });
    const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.notEqual(fresh.access_token, tokens.access_token);
    await client.tokenRevocation(config, fresh.refresh_token);
    await assert.rejects(client.refreshTokenGrant(config, fresh.refresh_token), (error) => error.error === "invalid_grant");
  });
}

for (const authorizationMethod of ["header", "body"]) {
  peer(`simple-oauth2, secret in the ${authorizationMethod}: authorizes, refreshes, revokes`, async ({ worker }) => {
    const { AuthorizationCode } = require("simple-oauth2");
    const method = authorizationMethod === "header" ? "client_secret_basic" : "client_secret_post";
    const registered = await register(worker, { token_endpoint_auth_method: method });
    const { createHash, randomBytes } = await import("node:crypto");
    const verifier = randomBytes(32).toString("base64url");
    const client = new AuthorizationCode({
      client: { id: registered.client_id, secret: registered.client_secret },
      auth: { tokenHost: worker, tokenPath: "/oauth/token", revokePath: "/oauth/revoke", authorizePath: "/oauth/authorize" },
      options: { authorizationMethod },
    });
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    const url = client.authorizeURL({ redirect_uri: REDIRECT, state: "a state", code_challenge: challenge, code_challenge_method: "S256", resource: `${worker}/mcp` });
    const code = (await approve(url)).searchParams.get("code");
    const tokens = await client.getToken({ code, redirect_uri: REDIRECT, code_verifier: verifier });
    const fresh = await tokens.refresh();
    assert.notEqual(fresh.token.access_token, tokens.token.access_token);
    // It wants JSON of an answer whose body RFC 7009 gives no meaning, and which is empty here.
    await assert.rejects(fresh.revoke("refresh_token"), /not JSON compatible/);
    await assert.rejects(fresh.refresh());
  });
}

peer("MCP Inspector on the command line lists the tools and calls one", async ({ worker }) => {
  const { tokens } = await flow(worker);
  const inspector = "../tests/peers/clients/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
  const inspect = (...args) => runNode(inspector, ["--cli", `${worker}/mcp`, "--transport", "http", "--header", `Authorization: Bearer ${tokens.access_token}`, ...args]);
  const listed = await inspect("--method", "tools/list");
  assert.match(listed.output, /"search_issues"/, listed.output);
  const called = await inspect("--method", "tools/call", "--tool-name", "whoami");
  assert.match(called.output, /ada@example\.com/, called.output);
});
