// A person who lets an MCP client in, over plain HTTP and without a browser: our consent page, the sandbox's Sentry, and
// back to the client. And a client's whole flow, by hand, for tests that need a token and nothing else.
//
//     const { tokens } = await flow(world.worker);                       // register, consent, redeem
//     const back = await approve(authorizeUrl, { skills: ["inspect"] }); // URL with code, state, iss; not requested
//
// The forms are read, not assumed: hidden fields and ticked checkboxes are sent as the page shows them.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

/** A browser as far as it matters: cookies (per host, as browsers do), no redirect followed by itself. */
export class Visitor {
  #cookies = new Map(); // host name → Map(name → value)

  async get(url) {
    return this.#send(url, { method: "GET" });
  }

  /** Posts a form as a page of the same origin would. */
  async post(url, fields) {
    const headers = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
    return this.#send(url, { method: "POST", headers, body: new URLSearchParams(fields).toString() });
  }

  async #send(url, init) {
    const { hostname } = new URL(url);
    const jar = this.#cookies.get(hostname) ?? new Map();
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { accept: "text/html", ...init.headers, ...(cookie && { cookie }) };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(";");
      const [name, ...value] = pair.trim().split("=");
      if (attributes.some((it) => /^\s*max-age=(0|-.*)$/i.test(it))) jar.delete(name);
      else jar.set(name, value.join("="));
    }
    this.#cookies.set(hostname, jar);
    const location = response.headers.get("location");
    return { url: String(url), status: response.status, html: await response.text(), location: location && new URL(location, url) };
  }
}

/**
 * Approves at `authorizeUrl`, here and at Sentry. Returns where the client is sent: a `URL` with `code`, `state` and `iss`, or
 * with `error` when the request was refused. It is not requested.
 *
 * - `skills`: the names of those to tick; what the page has ticked when it is left out.
 * - `account`: whose Sentry account, by email address.
 * - `atSentry`: "approve", or "deny".
 * - `visitor`: a `Visitor` that was here before.
 */
export async function approve(authorizeUrl, { skills, account = "ada@example.com", atSentry = "approve", visitor = new Visitor() } = {}) {
  const sentry = await decide(authorizeUrl, "approve", skills, visitor);
  if (sentry.refused) return sentry.refused;
  const page = await visitor.get(sentry.location);
  assert.equal(page.status, 200, told(page, "Sentry's consent page"));
  const answered = await visitor.post(page.url, { account, op: atSentry });
  assert.ok(answered.location, told(answered, "a redirect of Sentry's to our callback"));
  const back = await visitor.get(answered.location);
  assert.ok(back.location, told(back, "a redirect to the client"));
  return back.location;
}

/** Chooses Cancel on our consent page. Returns where the client is sent, with `error=access_denied`. */
export async function cancel(authorizeUrl, { visitor = new Visitor() } = {}) {
  const back = await decide(authorizeUrl, "cancel", undefined, visitor);
  return back.refused ?? back.location;
}

async function decide(authorizeUrl, decision, skills, visitor) {
  const page = await visitor.get(authorizeUrl);
  if (page.location) return { refused: page.location };
  assert.equal(page.status, 200, told(page, "the consent page"));
  const form = readForm(page);
  const ticked = (name) => (skills ? skills.some((skill) => name === `skill-${skill}`) : form.checked.includes(name));
  for (const skill of skills ?? []) assert.ok(form.checkboxes.includes(`skill-${skill}`), `the page has no skill ${skill}`);
  const fields = [...form.hidden, ...form.checkboxes.filter(ticked).map((name) => [name, "on"]), ["decision", decision]];
  const answer = await visitor.post(form.action, fields);
  assert.ok(answer.location, told(answer, "a redirect"));
  return { location: answer.location };
}

/** The first form of a page: its `action`, `hidden` fields as pairs, and the names of `checkboxes` and of those `checked`. */
export function readForm({ url, html }) {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(html);
  assert.ok(form, `no form in ${html}`);
  const inputs = [...form[2].matchAll(/<input\b([^>]*)>/g)].map(([, tag]) => tag);
  const boxes = inputs.filter((tag) => attribute(tag, "type") === "checkbox");
  return {
    action: new URL(attribute(form[1], "action") ?? "", url),
    hidden: inputs.filter((tag) => attribute(tag, "type") === "hidden").map((tag) => [attribute(tag, "name"), attribute(tag, "value") ?? ""]),
    checkboxes: boxes.map((tag) => attribute(tag, "name")),
    checked: boxes.filter((tag) => /\schecked\b/.test(tag)).map((tag) => attribute(tag, "name")),
  };
}

function attribute(tag, name) {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value?.replace(/&(quot|lt|gt|amp|#39);/g, (_, entity) => ({ quot: '"', lt: "<", gt: ">", amp: "&", "#39": "'" })[entity]);
}

const told = (answer, expected) => `${answer.url} answered ${answer.status} instead of ${expected}:\n${answer.html.slice(0, 2_000)}`;

// ---- a client, by hand --------------------------------------------------------------------------------------------

export const REDIRECT = "http://127.0.0.1:3118/callback";

/** The authorization server's metadata (RFC 8414). */
export async function discover(base) {
  return json(await fetch(new URL("/.well-known/oauth-authorization-server", base)), 200);
}

/** Registers a client (RFC 7591): a public one with `REDIRECT`, unless `metadata` says otherwise. Returns what is answered. */
export async function register(base, metadata = {}) {
  const { registration_endpoint } = await discover(base);
  const body = JSON.stringify({
    client_name: "A client of the tests",
    redirect_uris: [REDIRECT],
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    ...metadata,
  });
  return json(await fetch(registration_endpoint, { method: "POST", headers: { "content-type": "application/json" }, body }), 201);
}

/** Where a person is sent, and the PKCE `verifier` and `state` that go with it. `more` are further parameters. */
export async function authorizeUrl(base, client, more = {}) {
  const { authorization_endpoint } = await discover(base);
  const verifier = randomBytes(32).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const url = new URL(authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: client.redirect_uris[0],
    response_type: "code",
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    resource: new URL("/mcp", base).href,
    ...more,
  });
  return { url, verifier, state };
}

/** Asks the token endpoint, or with `endpoint` the revocation endpoint, as `client`. Returns the `Response`. */
export async function askToken(base, client, fields, endpoint = "token_endpoint") {
  const metadata = await discover(base);
  const body = new URLSearchParams(fields);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const method = client.token_endpoint_auth_method ?? "client_secret_basic";
  if (method === "client_secret_basic") {
    const pair = [client.client_id, client.client_secret].map(encodeURIComponent).join(":");
    headers.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
  } else {
    body.set("client_id", client.client_id);
    if (method === "client_secret_post") body.set("client_secret", client.client_secret);
  }
  return fetch(metadata[endpoint], { method: "POST", headers, body: body.toString() });
}

/**
 * The whole flow: registration (unless a `client` is given), consent, code, tokens.
 *
 * - `path`: the resource's path, `/mcp` or a constrained one.
 * - `metadata`: the client's. `client`: what `register` returned before.
 * - everything else goes to `approve`.
 *
 * Returns `{ client, tokens }`; `tokens` is the token endpoint's answer.
 */
export async function flow(base, { client, metadata, path = "/mcp", ...person } = {}) {
  client ??= await register(base, metadata);
  const resource = new URL(path, base).href;
  const { url, verifier, state } = await authorizeUrl(base, client, { resource });
  const back = await approve(url, person);
  assert.equal(back.searchParams.get("error"), null, String(back));
  assert.equal(back.searchParams.get("state"), state);
  assert.equal(back.searchParams.get("iss"), new URL(base).origin);
  const redeem = {
    grant_type: "authorization_code",
    code: back.searchParams.get("code"),
    redirect_uri: client.redirect_uris[0],
    code_verifier: verifier,
    resource,
  };
  return { client, tokens: await json(await askToken(base, client, redeem), 200) };
}

async function json(response, status) {
  const text = await response.text();
  assert.equal(response.status, status, `${response.url}: ${text}`);
  return JSON.parse(text);
}
