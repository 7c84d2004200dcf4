// What the black-box tests of the authorization server share: a world for each file, a client that says exactly what it is
// told to say, and the numbering of the cases (README.md).

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { createHash, randomBytes } from "node:crypto";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { root, startWorld } from "../browser/world.mjs";
import { REDIRECT, approve } from "../consent.mjs";

export { REDIRECT };

/** The permissions of the skill `inspect`, which every authorization here is for unless it says otherwise. */
export const INSPECT = "event:read org:read project:read team:read";

// ---- numbering ----------------------------------------------------------------------------------------------------

/** A test of case `number`, which `section` of a standard asks for. */
export function scenario(number, section, sentence, run) {
  test(`case ${number} (${section}): ${sentence}`, { timeout: 120_000 }, run);
}

/**
 * A case that cannot be seen from outside in a test's time: it waits for hours, or counts what only the host can count.
 * `names` are the host's tests that show it; they must be there.
 */
export function shownOnTheHost(number, section, sentence, ...names) {
  scenario(number, section, `${sentence} (on the host)`, () => {
    const sources = hostTests();
    for (const name of names) assert.ok(new RegExp(`#\\[test\\]\\s+fn ${name}\\(`).test(sources), `${name} is not there`);
  });
}

/** The text of every Rust file. */
export function hostTests() {
  const files = ["src", "tests"].flatMap((folder) => fs.readdirSync(path.join(root, folder), { recursive: true }).map((file) => path.join(root, folder, file)));
  return files.filter((file) => file.endsWith(".rs")).map((file) => fs.readFileSync(file, "utf8")).join("\n");
}

// ---- the world ----------------------------------------------------------------------------------------------------

/**
 * A world that lives as long as the tests of this file; with `anew`, each test has one. Nothing of it is there before the first
 * test runs.
 */
export function openDoor({ anew = false, ...options } = {}) {
  const door = new Door();
  (anew ? beforeEach : before)(async () => {
    door.world = await startWorld(options);
  });
  (anew ? afterEach : after)(async () => {
    await door.world?.stop();
  });
  return door;
}

export class Door {
  world;

  get origin() {
    return this.world.worker;
  }

  /** Asks; redirects are not followed. */
  async ask(where, init = {}) {
    const response = await fetch(new URL(where, this.origin), { redirect: "manual", ...init });
    const text = await response.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      // not everything is JSON
    }
    return { status: response.status, headers: response.headers, text, json, location: response.headers.get("location") };
  }

  /** The answer to a registration of `metadata`, which may be anything. */
  async registration(metadata, headers = { "content-type": "application/json" }) {
    return this.ask("/oauth/register", { method: "POST", headers, body: typeof metadata === "string" ? metadata : JSON.stringify(metadata) });
  }

  /** A registered client. */
  async client(metadata = {}) {
    const wanted = {
      client_name: "A client of the tests",
      redirect_uris: [REDIRECT],
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      ...metadata,
    };
    for (const [name, value] of Object.entries(wanted)) if (value === undefined) delete wanted[name];
    const answer = await this.registration(wanted);
    assert.equal(answer.status, 201, answer.text);
    return new Client(this, answer.json);
  }

  /** Posts a form to the token endpoint, or to another; `fields` are pairs or an object, and stand there as given. */
  async form(fields, { where = "/oauth/token", headers = {} } = {}) {
    const type = { "content-type": "application/x-www-form-urlencoded" };
    return this.ask(where, { method: "POST", headers: { ...type, ...headers }, body: new URLSearchParams(fields).toString() });
  }

  /** Asks the MCP door for its tools, with `token`, or calls one of them. */
  async tools(token, { where = "/mcp", headers = {}, call } = {}) {
    const message = call
      ? { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: call, arguments: {} } }
      : { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
    return this.ask(where, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...(token === undefined ? {} : { authorization: token.includes(" ") ? token : `Bearer ${token}` }),
        ...headers,
      },
      body: JSON.stringify(message),
    });
  }

  /** Fails unless the MCP door accepts `token`. */
  async works(token, options) {
    const answer = await this.tools(token, options);
    assert.equal(answer.status, 200, answer.text);
    return answer;
  }

  /** Fails unless the MCP door refuses `token` in the way that makes clients authorize anew. */
  async isDead(token, options) {
    const answer = await this.tools(token, options);
    assert.equal(answer.status, 401, answer.text);
    assert.equal(challenge(answer).parameters.error, "invalid_token");
    return answer;
  }

  /** How many tokens the fake Sentry would accept. */
  async liveAtSentry() {
    return (await this.world.state()).sentry.live_tokens;
  }

  /** What the fake Sentry was asked for: how often codes were exchanged, tokens refreshed, tokens revoked. */
  async counted() {
    return (await this.world.control("sentry/log")).counters;
  }
}

// ---- a client -----------------------------------------------------------------------------------------------------

export class Client {
  constructor(door, registration) {
    this.door = door;
    this.registration = registration;
    this.id = registration.client_id;
    this.secret = registration.client_secret;
    this.method = registration.token_endpoint_auth_method;
    this.redirect = registration.redirect_uris[0];
  }

  /** The same registration, authenticating in another way. */
  as(method, secret = this.secret) {
    return Object.assign(new Client(this.door, this.registration), { method, secret });
  }

  /** An authorization request: `changes` replace parameters (`undefined` leaves one out), `added` come last, as pairs. */
  request(changes = {}, added = []) {
    const verifier = randomBytes(32).toString("base64url");
    const parameters = {
      client_id: this.id,
      redirect_uri: this.redirect,
      response_type: "code",
      state: randomBytes(8).toString("base64url"),
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      resource: `${this.door.origin}/mcp`,
      ...changes,
    };
    const kept = Object.entries(parameters).filter(([, value]) => value !== undefined);
    const url = new URL("/oauth/authorize", this.door.origin);
    url.search = new URLSearchParams([...kept, ...added]).toString();
    return { url, verifier, state: parameters.state, redirect: parameters.redirect_uri };
  }

  /** What the authorization endpoint answers. */
  async authorization(changes, added) {
    const request = this.request(changes, added);
    return { request, ...(await this.door.ask(request.url)) };
  }

  /** A person consents: what the client then has to redeem. */
  async code(changes = {}, person = {}) {
    const request = this.request(changes);
    const back = await approve(request.url, { skills: ["inspect"], ...person });
    assert.equal(back.searchParams.get("error"), null, String(back));
    return { ...request, back, code: back.searchParams.get("code") };
  }

  /** A token request, authenticated as the client does it. */
  async ask(fields, where = "/oauth/token") {
    const headers = {};
    const form = new URLSearchParams(fields);
    if (this.method === "client_secret_basic") headers.authorization = basic(this.id, this.secret);
    else form.append("client_id", this.id);
    if (this.method === "client_secret_post") form.append("client_secret", this.secret);
    return this.door.form(form, { where, headers });
  }

  /** What redeems `granted`; `changes` as for `request`. */
  redemption(granted, changes = {}) {
    const fields = {
      grant_type: "authorization_code",
      code: granted.code,
      redirect_uri: granted.redirect,
      code_verifier: granted.verifier,
      ...changes,
    };
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  }

  async redeem(granted, changes) {
    return this.ask(this.redemption(granted, changes));
  }

  async refresh(token, more = {}) {
    return this.ask({ grant_type: "refresh_token", refresh_token: token, ...more });
  }

  async revoke(token, more = {}) {
    return this.ask({ token, ...more }, "/oauth/revoke");
  }

  /** The whole way: the token endpoint's answer. */
  async tokens(changes, person) {
    const answer = await this.redeem(await this.code(changes, person));
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }
}

export function basic(id, secret, scheme = "Basic") {
  const pair = [id, secret].map((part) => encodeURIComponent(part)).join(":");
  return `${scheme} ${Buffer.from(pair).toString("base64")}`;
}

// ---- what is expected ---------------------------------------------------------------------------------------------

/** The one challenge of an answer: its scheme and parameters. */
export function challenge(answer) {
  const text = answer.headers.get("www-authenticate") ?? "";
  const [, scheme, rest] = /^([A-Za-z-]+) (.*)$/.exec(text) ?? [];
  const pairs = [...(rest ?? "").matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, text);
  return { text, scheme, parameters: Object.fromEntries(pairs) };
}

/** Fails unless `answer` is this error of RFC 6749 §5.2, kept out of caches. */
export function isError(answer, status, error) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json?.error, error, answer.text);
  assert.ok(answer.json.error_description, answer.text);
  isNotCached(answer);
}

export function isNotCached(answer) {
  assert.equal(answer.headers.get("cache-control"), "no-store");
}

/** Fails unless the authorization endpoint showed a page and sent nobody anywhere (RFC 6749 §4.1.2.1). */
export function staysHere(answer) {
  assert.equal(answer.status, 400, answer.location ?? answer.text);
  assert.equal(answer.location, null);
  assert.match(answer.headers.get("content-type"), /^text\/html/);
}

/** Fails unless the person was told `error`, and sent nowhere (RFC 9700 §4.11.2). */
export function isAFault(answer, error) {
  staysHere(answer);
  assert.ok(answer.text.includes(error), answer.text);
}

/** Fails unless the consent page was shown. */
export function isAsked(answer) {
  assert.equal(answer.status, 200, answer.location ?? answer.text);
  assert.match(answer.text, /name="decision"/);
}
