// Cases 99 to 110: dynamic client registration.

import assert from "node:assert/strict";
import { REDIRECT, isError, isNotCached, openDoor, scenario } from "./door.mjs";

const door = openDoor();
const METADATA = "invalid_client_metadata";
const with_ = (metadata) => door.registration({ redirect_uris: [REDIRECT], ...metadata });

function registered(answer) {
  assert.equal(answer.status, 201, answer.text);
  isNotCached(answer);
  return answer.json;
}

scenario(99, "RFC 7591 §3.2.1", "a public client gets no secret, a confidential one a secret that does not expire", async () => {
  const open = registered(await with_({ token_endpoint_auth_method: "none" }));
  assert.ok(open.client_id);
  assert.ok(!("client_secret" in open));
  for (const token_endpoint_auth_method of ["client_secret_basic", "client_secret_post"]) {
    const confidential = registered(await with_({ token_endpoint_auth_method }));
    assert.ok(confidential.client_secret.length >= 43);
    assert.equal(confidential.client_secret_expires_at, 0);
    assert.equal(confidential.token_endpoint_auth_method, token_endpoint_auth_method);
  }
});

scenario(100, "RFC 7591 §2", "what is left out has its default", async () => {
  const answer = registered(await with_({}));
  assert.equal(answer.token_endpoint_auth_method, "client_secret_basic");
  assert.deepEqual(answer.grant_types, ["authorization_code"]);
  assert.deepEqual(answer.response_types, ["code"]);
  assert.deepEqual(answer.redirect_uris, [REDIRECT]);
});

scenario(101, "RFC 7591 §3.2.2", "there is at least one address, and each is good: no fragment, wildcard, user or plain http (B8)", async () => {
  for (const redirect_uris of [undefined, [], ["https://app.example/cb#x"], ["https://*.example/cb"], ["https://user@app.example/cb"], ["http://app.example/cb"], [REDIRECT, "http://10.0.0.1/cb"], ["https://app.example/\\cb"], ["cb"], [""]]) {
    isError(await door.registration({ redirect_uris }), 400, "invalid_redirect_uri");
  }
});

scenario(102, "RFC 7591 §3.1", "the body is a JSON object of bounded size, and posted", async () => {
  isError(await door.registration("{"), 400, "invalid_request");
  isError(await door.registration(""), 400, "invalid_request");
  isError(await door.registration([]), 400, METADATA);
  isError(await door.registration(`{"client_name":"${"a".repeat(1024 * 1024)}"}`), 413, "invalid_request");
  isError(await door.ask("/oauth/register"), 405, "invalid_request");
});

scenario(103, "RFC 7591 §2.1", "grant types, response types and methods that we do not have, or that do not fit, are refused", async () => {
  for (const metadata of [
    { grant_types: ["password"] },
    { response_types: ["id_token"] },
    { token_endpoint_auth_method: "private_key_jwt" },
    { grant_types: ["refresh_token"], response_types: ["code"] },
    { grant_types: ["authorization_code"], response_types: ["token"] },
    { grant_types: [] },
  ]) {
    isError(await with_(metadata), 400, METADATA);
  }
});

scenario("103b", "RFC 7591 §3.2.1", "what we do not have beside what we do is left out, and the answer says what was registered", async () => {
  const device = "urn:ietf:params:oauth:grant-type:device_code";
  const answer = registered(await with_({ grant_types: ["authorization_code", "refresh_token", device], response_types: ["code", "id_token"], application_type: "desktop" }));
  assert.deepEqual(answer.grant_types, ["authorization_code", "refresh_token"]);
  assert.deepEqual(answer.response_types, ["code"]);
  assert.ok(!("application_type" in answer));
});

scenario("103c", "RFC 7591 §2", "a blank field is left out", async () => {
  const fields = ["client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "scope", "software_id", "software_version", "application_type", "token_endpoint_auth_method"];
  const answer = registered(await with_(Object.fromEntries(fields.map((field) => [field, ""]))));
  assert.equal(answer.token_endpoint_auth_method, "client_secret_basic");
  assert.ok(!("client_uri" in answer));
});

scenario(104, "RFC 7591 §3.2.1", "of several methods one that we have is taken", async () => {
  const answer = registered(await with_({ token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_methods_supported: ["none", "private_key_jwt"] }));
  assert.equal(answer.token_endpoint_auth_method, "none");
});

scenario(105, "RFC 7591 §3.2.2", "a preferred method that is none of the choices is refused", async () => {
  isError(await with_({ token_endpoint_auth_method: "none", token_endpoint_auth_methods_supported: ["client_secret_post"] }), 400, METADATA);
});

scenario(106, "RFC 7591 §2", "addresses of pages are web addresses, in every language", async () => {
  for (const field of ["client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri"]) {
    for (const name of [field, `${field}#de`]) {
      for (const bad of ["javascript:alert(1)", "data:text/html,x", "/relative", "ftp://app.example/"]) isError(await with_({ [name]: bad }), 400, METADATA);
      registered(await with_({ [name]: "https://app.example/page" }));
    }
  }
});

scenario(107, "RFC 7591 §2.2", "names in other languages are text and said back, tag and all; unknown fields are left out", async () => {
  const answer = registered(await with_({ "client_name#ja-Jpan-JP": "クライアント", "tos_uri#fr": "https://app.example/cgu", "foo#ja": "x", foo: { bar: 1 } }));
  assert.equal(answer["client_name#ja-Jpan-JP"], "クライアント");
  assert.equal(answer["tos_uri#fr"], "https://app.example/cgu");
  for (const name of Object.keys(answer)) assert.ok(!name.startsWith("foo"), name);
  isError(await with_({ "client_name#ja": 1 }), 400, METADATA);
});

scenario(108, "RFC 7591 §3.2.2", "each field has its type", async () => {
  for (const metadata of [{ redirect_uris: REDIRECT }, { redirect_uris: [1] }, { contacts: [1] }, { contacts: "a" }, { client_name: 1 }, { grant_types: "authorization_code" }, { scope: ["a"] }]) {
    isError(await with_(metadata), 400, METADATA);
  }
});

scenario(109, "RFC 7592", "no management of registrations is offered", async () => {
  const answer = registered(await with_({}));
  assert.ok(!("registration_client_uri" in answer) && !("registration_access_token" in answer));
});

scenario(110, "RFC 7591 §3.2.2", "a policy that refuses says so: a web application has https addresses, and too much is too much", async () => {
  isError(await with_({ application_type: "web" }), 400, "invalid_redirect_uri");
  isError(await door.registration({ redirect_uris: ["cursor://x/cb"], application_type: "web" }), 400, "invalid_redirect_uri");
  isError(await with_({ client_name: "a".repeat(5_000) }), 400, METADATA);
  registered(await with_({ token_endpoint_auth_method: "none", application_type: "native" }));
});
