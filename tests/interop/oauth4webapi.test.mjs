// `oauth4webapi`, a strict client of the RFCs that takes nothing on trust: discovery, metadata of the protected resource,
// registration with each authentication method, code with PKCE, a call, refresh, revocation, refusal.

import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { REDIRECT, approve } from "../consent.mjs";
import { inOneWorld } from "./harness.mjs";

const peer = inOneWorld();
const http = { [oauth.allowInsecureRequests]: true }; // loopback
const authentication = {
  none: () => oauth.None(),
  client_secret_basic: (client) => oauth.ClientSecretBasic(client.client_secret),
  client_secret_post: (client) => oauth.ClientSecretPost(client.client_secret),
};

async function discover(resource) {
  const server = await oauth.processResourceDiscoveryResponse(resource, await oauth.resourceDiscoveryRequest(resource, http));
  assert.equal(server.resource, resource.href);
  assert.deepEqual(server.bearer_methods_supported, ["header"]);
  const [issuer] = server.authorization_servers.map((it) => new URL(it));
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...http, algorithm: "oauth2" }));
  assert.deepEqual(as.code_challenge_methods_supported, ["S256"]);
  assert.equal(as.authorization_response_iss_parameter_supported, true);
  return as;
}

async function register(as, method) {
  const metadata = {
    client_name: "oauth4webapi",
    redirect_uris: [REDIRECT],
    token_endpoint_auth_method: method,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
  };
  const client = await oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, metadata, http));
  assert.equal(client.token_endpoint_auth_method, method);
  assert.equal(typeof client.client_secret, method === "none" ? "undefined" : "string");
  return client;
}

/** The authorization request, the person, and the checks of what came back: parameters for the token request. */
async function authorize(as, client, resource, verifier) {
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    response_type: "code",
    scope: as.scopes_supported.filter((scope) => scope.endsWith(":read")).join(" "),
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    resource: resource.href,
  });
  return oauth.validateAuthResponse(as, client, await approve(url), state);
}

/** `tools/list` with the token, as `fetch` would. */
function list(resource, token) {
  const headers = new Headers({ "content-type": "application/json", accept: "application/json, text/event-stream" });
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} });
  return oauth.protectedResourceRequest(token, "POST", resource, headers, body, http);
}

/** The challenges of a refusal that the library reads from `WWW-Authenticate`. */
async function refused(request) {
  const error = await request.then(() => assert.fail("it was let in"), (it) => it);
  assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, error);
  return { status: error.status, ...error.cause[0] };
}

for (const [method, authenticate] of Object.entries(authentication)) {
  peer(`discovery, registration, code, call, refresh, revocation: ${method}`, async ({ worker }) => {
    const resource = new URL("/mcp", worker);
    const as = await discover(resource);
    const client = await register(as, method);
    const auth = authenticate(client);
    const extra = { ...http, additionalParameters: { resource: resource.href } };

    const verifier = oauth.generateRandomCodeVerifier();
    const answer = await authorize(as, client, resource, verifier);
    const redeem = (v) => oauth.authorizationCodeGrantRequest(as, client, auth, answer, REDIRECT, v, extra);
    const first = await oauth.processAuthorizationCodeResponse(as, client, await redeem(verifier));
    assert.ok(first.refresh_token && first.expires_in > 0);
    const answered = await list(resource, first.access_token);
    assert.ok((await answered.json()).result.tools.some((tool) => tool.name === "whoami"));

    const refresh = (token) => oauth.refreshTokenGrantRequest(as, client, auth, token, extra);
    const second = await oauth.processRefreshTokenResponse(as, client, await refresh(first.refresh_token));
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.equal((await list(resource, second.access_token)).status, 200);

    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, second.refresh_token, http));
    for (const token of [first.access_token, second.access_token]) {
      const challenge = await refused(list(resource, token));
      assert.equal(challenge.status, 401);
      assert.equal(challenge.scheme, "bearer");
      assert.equal(challenge.parameters.error, "invalid_token");
      assert.equal(challenge.parameters.resource_metadata, new URL("/.well-known/oauth-protected-resource/mcp", worker).href);
    }
    const over = await oauth.processRefreshTokenResponse(as, client, await refresh(second.refresh_token)).then(() => assert.fail(), (it) => it);
    assert.ok(over instanceof oauth.ResponseBodyError, over);
    assert.equal(over.error, "invalid_grant");
  });
}

peer("another verifier, another secret and another method are refused", async ({ worker }) => {
  const resource = new URL("/mcp", worker);
  const as = await discover(resource);
  const client = await register(as, "client_secret_basic");
  const answer = await authorize(as, client, resource, oauth.generateRandomCodeVerifier());
  const attempt = async (auth, verifier = oauth.generateRandomCodeVerifier()) => {
    const response = await oauth.authorizationCodeGrantRequest(as, client, auth, answer, REDIRECT, verifier, http);
    const error = await oauth.processAuthorizationCodeResponse(as, client, response).then(() => assert.fail("it was let in"), (it) => it);
    return error.error ?? `${error.status} ${error.cause?.[0]?.scheme ?? error}`;
  };
  assert.match(await attempt(oauth.ClientSecretBasic("another")), /^(invalid_client|401 basic)$/);
  assert.match(await attempt(oauth.ClientSecretPost(client.client_secret)), /^(invalid_client|401 basic)$/);
  assert.equal(await attempt(oauth.ClientSecretBasic(client.client_secret)), "invalid_grant");
});

peer("a resource with an organization and a project has metadata and tokens of its own", async ({ worker }) => {
  const resource = new URL("/mcp/globex/checkout-api", worker);
  const as = await discover(resource);
  const client = await register(as, "none");
  const verifier = oauth.generateRandomCodeVerifier();
  const answer = await authorize(as, client, resource, verifier);
  const response = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), answer, REDIRECT, verifier, http);
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response);
  assert.equal((await list(resource, tokens.access_token)).status, 200);
  const challenge = await refused(list(new URL("/mcp", worker), tokens.access_token));
  assert.equal(challenge.status, 401);
});
