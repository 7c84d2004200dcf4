// The official conformance suite against the built Worker: as an authorization server, and as an MCP server by way of a proxy
// that adds a token from a real flow, because the suite cannot sign in. Which scenarios, and why: scenarios.mjs.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { approve, flow, register } from "../consent.mjs";
import { freePort, root } from "../browser/world.mjs";
import { bearerProxy, inOneWorld, runNode } from "./harness.mjs";
import { LEFT_OUT, PASSED, SETS, UNTESTABLE } from "./scenarios.mjs";

const SUITE = "@modelcontextprotocol/conformance/dist/index.js";
const peer = inOneWorld();

/** Runs the suite; returns its checks by scenario, and what it printed. */
async function conformance(mode, args, options) {
  const out = fs.mkdtempSync(path.join(os.tmpdir(), "vedette-conformance-"));
  try {
    const { output } = await runNode(SUITE, [mode, ...args, "--output-dir", out], options);
    const results = new Map();
    for (const folder of fs.readdirSync(out)) {
      const [, scenario] = new RegExp(`^${mode === "server" ? "server" : "authorization-server"}-(.*)-\\d{4}-\\d\\d-\\d\\dT[\\dZ-]*$`).exec(folder);
      results.set(scenario, JSON.parse(fs.readFileSync(path.join(out, folder, "checks.json"), "utf8")));
    }
    return { results, output };
  } finally {
    fs.rmSync(out, { recursive: true, force: true });
  }
}

const told = (checks) => checks.map((check) => `${check.status} ${check.id}: ${check.errorMessage ?? JSON.stringify(check.details)}`);

for (const revision of ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]) {
  peer(`authorization server: ${revision}`, async ({ worker }) => {
    const port = await freePort();
    const client = await register(worker, { redirect_uris: [`http://127.0.0.1:${port}/callback`] });
    let opened = false;
    const args = ["--url", worker, "--client-id", client.client_id, "--resource", `${worker}/mcp`, "--port", String(port), "--spec-version", revision];
    const { results, output } = await conformance("authorization", args, {
      heard: async (text) => {
        // The suite prints where to go, and then opens its callback.
        const url = text.split(/\s+/).find((word) => word.startsWith(`${worker}/oauth/authorize?`));
        if (opened || !url || !text.includes("Callback server started")) return;
        opened = true;
        await fetch(await approve(url));
      },
    });
    assert.deepEqual([...results.keys()].sort(), ["authorization-code-grant", "authorization-server-metadata-endpoint"], output);
    const problems = [...results.values()].flat().filter((check) => check.status !== "SUCCESS");
    assert.deepEqual(told(problems), []);
  });
}

for (const [revision, args] of Object.entries(SETS)) {
  peer(`MCP server: ${revision}`, async ({ worker }, t) => {
    const { tokens } = await flow(worker);
    const proxy = await bearerProxy(t, worker, tokens.access_token);
    const { results, output } = await conformance("server", ["--url", `${proxy}/mcp`, ...args]);
    assert.ok(results.size > 0, output);
    const passed = PASSED[revision];
    const leftOut = LEFT_OUT.flatMap((group) => group.scenarios).filter((scenario) => !passed.includes(scenario));
    const problems = [];
    for (const scenario of passed.filter((each) => !results.has(each))) problems.push(`${scenario} is not in the suite`);
    for (const [scenario, checks] of results) {
      const bad = checks.filter((check) => ["FAILURE", "WARNING"].includes(check.status) && !Object.hasOwn(UNTESTABLE, check.id));
      const good = checks.filter((check) => check.status === "SUCCESS" && check.id !== "wire-schema-valid");
      if (passed.includes(scenario)) {
        if (bad.length || !good.length) problems.push(`${scenario} failed: ${told(bad).join("; ") || "nothing was checked"}`);
      } else if (!leftOut.includes(scenario)) {
        problems.push(`${scenario} is in neither list`);
      } else if (good.length && !bad.length) {
        problems.push(`${scenario} is left out, and passes: move it`);
      }
    }
    // What cannot be tested must be said to be so by the suite itself: anything else under such an id is a failure.
    for (const check of [...results.values()].flat()) {
      if (Object.hasOwn(UNTESTABLE, check.id) && !check.details?.untestable) problems.push(`${check.id} was tested: ${check.status}`);
    }
    assert.deepEqual(problems, []);
  });
}

test("docs/testing.md names every scenario", () => {
  const text = fs.readFileSync(path.join(root, "docs/testing.md"), "utf8");
  const names = [...Object.values(PASSED).flat(), ...LEFT_OUT.flatMap((group) => group.scenarios)];
  assert.deepEqual(names.filter((name) => !text.includes(`\`${name}\``)), []);
});
