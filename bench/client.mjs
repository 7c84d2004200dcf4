// An MCP client with its person's browser, for the benchmark: registers, is let in, and keeps its tokens.

import { createHash, randomBytes } from "node:crypto";

const REDIRECT = "http://127.0.0.1:3118/callback";
const ACCOUNT = "ada@example.com";

async function ok(response, status, what) {
  if (response.status === status) return response;
  throw new Error(`${what}: ${response.status} ${await response.text()}`);
}

/** Fetches, without following a redirect, and keeps cookies as a browser does. */
function browser() {
  const cookies = new Map();
  return async (url, init = {}) => {
    const headers = { ...init.headers, cookie: [...cookies].map((pair) => pair.join("=")).join("; ") };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      cookies.set(name, value);
    }
    return response;
  };
}

const unescape = (text) => text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'");
const attribute = (tag, name) => unescape(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? "");

/** What a client registers as. */
export const registration = () => ({
  client_name: "Benchmark",
  redirect_uris: [REDIRECT],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
});

/** The addresses of an authorization server, by its metadata. */
export async function discover(origin) {
  const response = await ok(await fetch(`${origin}/.well-known/oauth-authorization-server`), 200, "metadata");
  return response.json();
}

export async function register(server) {
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(registration()),
  };
  return (await ok(await fetch(server.registration_endpoint, init), 201, "register")).json();
}

/** The address of the page that asks the person. */
export function authorizeUrl(server, id, challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM") {
  const query = {
    response_type: "code",
    client_id: id,
    redirect_uri: REDIRECT,
    state: "xyz",
    scope: "event:read org:read project:read team:read",
    code_challenge: challenge,
    code_challenge_method: "S256",
    resource: `${server.issuer}/mcp`,
  };
  return `${server.authorization_endpoint}?${new URLSearchParams(query)}`;
}

/** The form of a refresh. */
export const refreshForm = ({ id, refresh }) =>
  new URLSearchParams({ grant_type: "refresh_token", refresh_token: refresh, client_id: id }).toString();

/** Lets a new client in: its id and its tokens. */
export async function letIn(server) {
  const { client_id: id } = await register(server);
  const verifier = randomBytes(32).toString("base64url");
  const visit = browser();
  const page = await ok(
    await visit(authorizeUrl(server, id, createHash("sha256").update(verifier).digest("base64url"))),
    200,
    "authorize",
  );
  const html = await page.text();
  const fields = [...html.matchAll(/<input\b[^>]*>/g)].map(([tag]) => tag).filter((tag) => /hidden|checked/.test(tag));
  const form = new URLSearchParams(fields.map((tag) => [attribute(tag, "name"), attribute(tag, "value") || "on"]));
  form.append("decision", "approve");
  const action = new URL(attribute(/<form\b[^>]*>/.exec(html)[0], "action"), server.issuer);
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    origin: server.issuer,
    "sec-fetch-site": "same-origin",
  };
  const toSentry = await visit(action, { method: "POST", headers, body: form.toString() });
  const consent = toSentry.headers.get("location") ?? (await ok(toSentry, 302, "consent"), undefined);
  const back = await fetch(consent, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ account: ACCOUNT, op: "approve" }),
  });
  const done = await visit(back.headers.get("location"));
  const location = done.headers.get("location") ?? (await ok(done, 302, "callback"), undefined);
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code: new URL(location).searchParams.get("code"),
    redirect_uri: REDIRECT,
    code_verifier: verifier,
    client_id: id,
  });
  const issued = await (await ok(await fetch(server.token_endpoint, { method: "POST", body }), 200, "token")).json();
  return { id, access: issued.access_token, refresh: issued.refresh_token };
}
