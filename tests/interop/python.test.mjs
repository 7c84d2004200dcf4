// Clients in Python as they come: the official SDK in both versions, fastmcp, authlib and requests-oauthlib, at the versions and
// hashes of tests/interop/python/*.txt. Without Python they are left out with a sentence; where CI is set, that is a failure.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { register } from "../consent.mjs";
import { inOneWorld } from "./harness.mjs";
import { environmentOf, noPython, play } from "./python.mjs";

if (noPython) {
  test("clients in Python", { skip: process.env.CI ? false : noPython }, () => assert.fail(noPython));
} else {
  pythonClients();
}

function pythonClients() {
  const python = {};
  before(() => {
    for (const name of ["one", "two"]) python[name] = environmentOf(name);
  });
  const peer = inOneWorld();
  const whole = (first, ...last) => [first, "listed", "called", "refreshed", ...last];

  for (const [name, revision] of [["one", "2025-11-25"], ["two", "2026-07-28"]]) {
    // By default the SDK names no method, gets a secret, and sends it by Basic with its id in the form as well.
    for (const method of [undefined, "none", "client_secret_basic", "client_secret_post"]) {
      peer(`mcp, version ${name}, ${method ?? "with its defaults"}: registers, connects, lists, calls, refreshes, revokes`, async ({ worker }) => {
        const steps = await play(python[name], "sdk.py", [`${worker}/mcp`, ...(method ? [method] : [])]);
        assert.deepEqual(steps.filter((step) => !step.startsWith("authenticates")), whole(`connected ${revision}`, "revoked"));
        if (method) assert.ok(steps.includes(`authenticates ${method}`), steps);
      });
    }

    peer(`mcp, version ${name}: connects to one project`, async ({ worker }) => {
      const steps = await play(python[name], "sdk.py", [`${worker}/mcp/globex/checkout-api`]);
      assert.equal(steps.at(-1), "revoked");
    });
  }

  peer("fastmcp: registers, connects, lists, calls, refreshes", async ({ worker }) => {
    assert.deepEqual(await play(python.two, "fast.py", [`${worker}/mcp`], { fetches: true }), whole("connected"));
  });

  for (const [title, file] of [["authlib", "with_authlib.py"], ["requests-oauthlib", "with_requests_oauthlib.py"]]) {
    for (const method of ["none", "client_secret_basic", "client_secret_post"]) {
      peer(`${title}, ${method}: authorizes, lists, refreshes, revokes`, async ({ worker }) => {
        const client = await register(worker, { token_endpoint_auth_method: method });
        const metadata = `${worker}/.well-known/oauth-authorization-server`;
        const steps = await play(python.one, file, [client.client_id, client.client_secret ?? "", method, metadata, `${worker}/mcp`]);
        assert.deepEqual(steps, ["redeemed", "listed", "refreshed", "revoked"]);
      });
    }
  }
}
