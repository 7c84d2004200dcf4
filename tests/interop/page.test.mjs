// A client in a web page of another origin, in Chromium: discovery, registration, tokens and calls are all cross-origin
// requests, and authorization leaves the page by a redirect or by a popup. (MCP Inspector does its requests in a server of its
// own, so it would not show this.)

import assert from "node:assert/strict";
import path from "node:path";
import esbuild from "esbuild";
import { PATIENCE, scene } from "../browser/harness.mjs";
import { root } from "../browser/world.mjs";
import { serve } from "./harness.mjs";

/** Serves the page at `/` and at `/callback`. */
async function servePage(t) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [path.join(root, "tests/interop/page/client.mjs")],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "error",
  });
  const page = '<!doctype html><html lang="en"><title>A page with a client</title><link rel="icon" href="data:,"><button>Connect</button><output></output><script type="module" src="/client.js"></script>';
  return serve(t, (request, response) => {
    const script = request.url === "/client.js";
    response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" });
    response.end(script ? outputFiles[0].contents : page);
  });
}

/** A refusal that the client expects (sign in first; no stream to GET here) is logged by Chromium as an error. */
const isExpected = (fault) => /Failed to load resource: the server responded with a status of (401|405)/.test(fault);

for (const { sdk, way, version } of [
  { sdk: "1", way: "redirect", version: "2025-11-25" },
  { sdk: "1", way: "popup", version: "2025-11-25" },
  { sdk: "2", way: "redirect", version: "2026-07-28" },
  { sdk: "2", way: "popup", version: "2026-07-28" },
]) {
  scene(`a page of another origin authorizes by ${way}, lists and calls: SDK ${sdk}`, async ({ world, open, faults }, t) => {
    const origin = await servePage(t);
    const context = await open();
    const page = await context.newPage();
    await page.goto(`${origin}/?${new URLSearchParams({ endpoint: `${world.worker}/mcp`, sdk, way })}`);
    const opens = way === "popup" ? context.waitForEvent("page") : Promise.resolve(page);
    await page.getByRole("button", { name: "Connect" }).click();
    const window = await opens;
    await window.getByRole("heading", { name: "Let this application into your Sentry account?" }).waitFor();
    await window.getByRole("button", { name: "Approve" }).click();
    await window.getByRole("heading", { name: "Vedette would like to see your Sentry" }).waitFor();
    await window.locator('input[name=account][value="ada@example.com"]').check();
    await window.getByRole("button", { name: "Approve" }).click();
    const output = page.locator("output").filter({ hasText: /\S/ });
    await output.filter({ hasNotText: "Off to" }).waitFor({ timeout: PATIENCE });
    const text = await output.innerText();
    for (const part of [version, "search_issues", "ada@example.com"]) assert.ok(text.includes(part), text);
    assert.equal(new URL(page.url()).origin, origin);
    const unexpected = faults.filter((fault) => !isExpected(fault));
    faults.splice(0, faults.length, ...unexpected);
  });
}
