// What the hosted Sentry MCP server leaves open, by the number of its gap (docs/known-defects.md): those that are seen over HTTP
// and are no numbered case.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Visitor, readForm } from "../consent.mjs";
import { openDoor } from "./door.mjs";

const door = openDoor();

/** Approves with these skills; returns the address at Sentry. */
async function toSentry(skills) {
  const client = await door.client();
  const visitor = new Visitor();
  const form = readForm(await visitor.get(client.request().url));
  const ticked = skills.map((skill) => [`skill-${skill}`, "on"]);
  return (await visitor.post(form.action, [...form.hidden, ...ticked, ["decision", "approve"]])).location.searchParams;
}

test("gap 3: PKCE S256 toward Sentry, another challenge each time", async () => {
  const [one, other] = [await toSentry(["inspect"]), await toSentry(["inspect"])];
  for (const asked of [one, other]) {
    assert.equal(asked.get("code_challenge_method"), "S256");
    assert.match(asked.get("code_challenge"), /^[\w-]{43}$/);
  }
  assert.notEqual(one.get("code_challenge"), other.get("code_challenge"));
});

test("gap 4: Sentry is asked for what the ticked skills need and no more", async () => {
  assert.equal((await toSentry(["inspect"])).get("scope"), "event:read org:read project:read team:read");
  assert.equal((await toSentry(["inspect", "triage", "project-management"])).get("scope"), "event:read org:read project:read team:read", "none of these is offered");
});

test("gap 6: every answer, page or JSON, good or bad, carries the security headers", async () => {
  const client = await door.client();
  const tokens = await client.tokens();
  const answers = [
    await door.ask("/"),
    await door.ask("/health"),
    await door.ask("/nowhere"),
    await door.ask("/.well-known/oauth-authorization-server"),
    await door.ask("/.well-known/oauth-protected-resource/mcp"),
    await door.ask(client.request().url),
    await door.ask("/oauth/authorize"),
    await door.ask("/oauth/callback"),
    await door.registration({}),
    await door.form({}),
    await client.refresh(tokens.refresh_token),
    await client.revoke("junk"),
    await door.tools(undefined),
    await door.tools(tokens.access_token),
    await door.ask("/mcp", { method: "OPTIONS", headers: { origin: "https://inspector.example" } }),
  ];
  for (const { headers } of answers) {
    assert.match(headers.get("content-security-policy"), /default-src 'none'/);
    assert.match(headers.get("content-security-policy"), /frame-ancestors 'none'/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
  }
});

test("gap 11: no cookie holds a token, and none is of use to scripts or other sites", async () => {
  const client = await door.client();
  const request = client.request();
  const page = await door.ask(request.url);
  const cookies = page.headers.getSetCookie();
  assert.match(cookies[0], /^__Host-\w+=[\w-]{43};/, "random");
  const { action, hidden } = readForm({ url: request.url, html: page.text });
  const headers = { cookie: cookies[0].split(";")[0], "sec-fetch-site": "same-origin" };
  const approved = await door.form([...hidden, ["skill-inspect", "on"], ["decision", "approve"]], { where: action, headers });
  cookies.push(...approved.headers.getSetCookie());
  const visitor = new Visitor();
  const asked = await visitor.post(approved.location, { account: "ada@example.com", op: "approve" });
  const back = await door.ask(asked.location, { headers });
  cookies.push(...back.headers.getSetCookie());
  const redeemed = await client.redeem({ ...request, code: new URL(back.location).searchParams.get("code") });
  assert.equal(redeemed.status, 200, redeemed.text);
  const { values } = await door.world.control("secrets");
  const tokens = [...values, redeemed.json.access_token, redeemed.json.refresh_token];
  for (const cookie of cookies) {
    assert.match(cookie, /^__Host-/);
    for (const attribute of ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"]) assert.ok(cookie.includes(attribute), cookie);
    const text = decodeURIComponent(cookie) + Buffer.from(cookie.split(/[=;.]/)[1], "base64url").toString("latin1");
    for (const token of tokens) assert.ok(!text.includes(token));
  }
});
