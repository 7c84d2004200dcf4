// Clients from npm that are no dependency of this project: they have a lock file of their own, tests/interop/clients, and are
// installed by this test.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { before } from "node:test";
import { pathToFileURL } from "node:url";
import { REDIRECT, approve, flow, register } from "../consent.mjs";
import { root } from "../browser/world.mjs";
import { inOneWorld, runNode } from "./harness.mjs";

const folder = path.join(root, "tests/interop/clients");
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

/**
 * Runs a program that opens a browser, with a home of its own. What opens is a script that notes the address, and the person
 * approves there. Returns the program's `output`, and how often it `opened` a browser.
 */
async function withBrowser(t, file, args, home = fs.mkdtempSync(path.join(os.tmpdir(), "vedette-client-"))) {
  t.after(() => fs.rmSync(home, { recursive: true, force: true }));
  const bin = path.join(home, "bin");
  const noted = path.join(home, "opened");
  fs.mkdirSync(bin, { recursive: true });
  for (const name of ["xdg-open", "open"]) fs.writeFileSync(path.join(bin, name), `#!/bin/sh\nfor it; do echo "$it"; done >> '${noted}'\n`, { mode: 0o755 });
  const env = { HOME: home, XDG_CONFIG_HOME: path.join(home, ".config"), XDG_DATA_HOME: path.join(home, ".data"), BROWSER: path.join(bin, "xdg-open"), PATH: `${bin}:${process.env.PATH}`, DISPLAY: ":0" };
  const seen = new Set();
  let printed = ""; // mcp-remote's browser is not found by name, and it prints the address as well
  const timer = setInterval(async () => {
    const text = fs.existsSync(noted) ? fs.readFileSync(noted, "utf8") : "";
    for (const url of `${text}\n${printed}`.match(/https?:\S+\/authorize\?\S+(?=\s)/g) ?? []) {
      if (seen.has(url)) continue;
      seen.add(url);
      const back = await approve(url);
      // A person takes seconds; mcp-remote opens the browser before it listens.
      for (let tries = 0; tries < 100 && !(await fetch(back).catch(() => undefined)); tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }, 100);
  try {
    const { code, output } = await runNode(`../tests/interop/clients/node_modules/${file}`, args, { env, stdin: "pipe", patience: 60_000, heard: (text) => void (printed = text) });
    return { code, output, opened: seen.size, home };
  } finally {
    clearInterval(timer);
  }
}

peer("mcp-remote opens the browser once, and lists", async ({ worker }, t) => {
  const first = await withBrowser(t, "mcp-remote/dist/client.js", [`${worker}/mcp`, "--allow-http"]);
  assert.match(first.output, /search_issues/, first.output);
  assert.equal(first.opened, 1);
});

peer("mcporter opens the browser once, and calls", async ({ worker }, t) => {
  const args = ["call", `${worker}/mcp.whoami`, "--allow-http"];
  const { output, opened } = await withBrowser(t, "mcporter/dist/cli.js", args);
  assert.match(output, /ada@example\.com/, output);
  assert.equal(opened, 1);
});

peer("MCP Inspector on the command line lists the tools and calls one", async ({ worker }) => {
  const { tokens } = await flow(worker);
  const inspector = "../tests/interop/clients/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
  const inspect = (...args) => runNode(inspector, ["--cli", `${worker}/mcp`, "--transport", "http", "--header", `Authorization: Bearer ${tokens.access_token}`, ...args]);
  const listed = await inspect("--method", "tools/list");
  assert.match(listed.output, /"search_issues"/, listed.output);
  const called = await inspect("--method", "tools/call", "--tool-name", "whoami");
  assert.match(called.output, /ada@example\.com/, called.output);
});
