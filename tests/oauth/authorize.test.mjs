// Cases 30 to 51: authorization requests.

import assert from "node:assert/strict";
import { approve, cancel } from "../consent.mjs";
import { REDIRECT, isAFault, isAsked, isError, openDoor, scenario, staysHere } from "./door.mjs";

const door = openDoor();
const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"; // RFC 7636, appendix B

scenario(30, "RFC 6749 §4.1.2.1", "an unknown client is a page, and nobody is sent anywhere", async () => {
  const client = await door.client();
  const changed = client.id.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  for (const client_id of ["junk", "a".repeat(600), changed, `${client.id}x`]) staysHere(await client.authorization({ client_id }));
});

scenario(31, "RFC 6749 §4.1.2.1", "no client is a page", async () => {
  const client = await door.client();
  for (const client_id of [undefined, ""]) staysHere(await client.authorization({ client_id }));
  staysHere(await client.authorization({}, [["client_id", client.id]]));
});

scenario(32, "RFC 6749 §4.1.2.1", "an address that is not the client's is a page, whatever else is wrong", async () => {
  const client = await door.client();
  const wrong = [{}, { response_type: undefined }, { response_type: "token" }, { code_challenge: undefined }, { resource: "javascript:x" }];
  for (const more of wrong) staysHere(await client.authorization({ redirect_uri: "https://evil.example/cb", ...more }));
});

scenario(33, "RFC 6749 §3.1.2.3", "an address is compared as text: case of the path, a slash, a query more", async () => {
  const client = await door.client({ redirect_uris: ["https://app.example/cb"] });
  isAsked(await client.authorization());
  for (const other of ["https://app.example/CB", "https://app.example/cb/", "https://app.example/cb?x=1", "https://app.example/cb?", "https://APP.example/cb", "https://app.example:443/cb", "https://app.example/x/../cb", "https://app.example/%63b"]) {
    staysHere(await client.authorization({ redirect_uri: other }));
  }
});

const DANGEROUS = ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "mailto:a@b.example", "blob:https://app.example/1"];

scenario(34, "RFC 9700 §4.1", "addresses that run or show something can be neither registered nor asked for", async () => {
  const client = await door.client();
  for (const uri of DANGEROUS) {
    isError(await door.registration({ redirect_uris: [uri] }), 400, "invalid_redirect_uri");
    staysHere(await client.authorization({ redirect_uri: uri }));
  }
});

scenario(35, "RFC 9700 §4.1", "nor in disguise: capitals, leading blanks, control characters", async () => {
  const client = await door.client();
  const controls = ["\0", "\n", "\t", "\u0080", "\u0085", "\u009f"];
  const disguised = [
    "JaVaScRiPt:alert(1)",
    ...[" ", "\t", "\n"].map((blank) => `${blank}javascript:alert(1)`),
    ...controls.flatMap((control) => [`java${control}script:alert(1)`, `https://app.example/${control}cb`]),
  ];
  for (const uri of disguised) {
    isError(await door.registration({ redirect_uris: [uri] }), 400, "invalid_redirect_uri");
    staysHere(await client.authorization({ redirect_uri: uri }));
  }
});

scenario(36, "RFC 6749 §3.1.2", "an address is absolute and there once, or left out by a client that has only one", async () => {
  const client = await door.client();
  for (const redirect_uri of ["/cb", "cb", "//app.example/cb"]) staysHere(await client.authorization({ redirect_uri }));
  const several = await door.client({ redirect_uris: [REDIRECT, "https://app.example/cb"] });
  for (const redirect_uri of ["", undefined]) {
    isAsked(await client.authorization({ redirect_uri }));
    staysHere(await several.authorization({ redirect_uri }));
  }
  staysHere(await client.authorization({}, [["redirect_uri", REDIRECT]]));
});

scenario(37, "RFC 8252 §7.1", "an application's own scheme is good when it is registered", async () => {
  const uri = "cursor://anysphere.cursor-mcp/oauth/callback";
  const client = await door.client({ redirect_uris: [uri] });
  isAsked(await client.authorization());
  const { back } = await client.code();
  assert.ok(back.href.startsWith(`${uri}?code=`), back.href);
});

scenario("37b", "RFC 8252 §7.1", "a scheme that could be anybody's cannot be registered; one with a dot can", async () => {
  for (const uri of ["anything://cb", "myapp:/cb", "ms-msdt://x"]) isError(await door.registration({ redirect_uris: [uri] }), 400, "invalid_redirect_uri");
  isAsked(await (await door.client({ redirect_uris: ["com.example.app:/cb"] })).authorization());
});

scenario(38, "RFC 9700 §4.11.2", "no response_type, and a prompt that nobody may see, are told to the person and sent nowhere", async () => {
  const client = await door.client();
  isAFault(await client.authorization({ response_type: undefined }), "invalid_request");
  isAFault(await client.authorization({ response_type: undefined, state: undefined }), "invalid_request");
  isAFault(await client.authorization({ prompt: "none" }), "interaction_required");
});

scenario(39, "RFC 6749 §4.1.2.1", "the implicit flow is not supported", async () => {
  const client = await door.client();
  for (const response_type of ["token", "id_token", "code token"]) {
    isAFault(await client.authorization({ response_type }), "unsupported_response_type");
  }
});

scenario(40, "RFC 7591 §2", "a client that is not for codes cannot be registered, so none can ask for one", async () => {
  for (const metadata of [{ response_types: ["token"] }, { response_types: [] }, { grant_types: ["refresh_token"] }, { grant_types: ["implicit"] }]) {
    isError(await door.registration({ redirect_uris: [REDIRECT], ...metadata }), 400, "invalid_client_metadata");
  }
});

scenario(41, "OAuth 2.1 §7.5.1", "a public client uses PKCE", async () => {
  const client = await door.client();
  const answer = await client.authorization({ code_challenge: undefined, code_challenge_method: undefined });
  isAFault(answer, "invalid_request");
  assert.match(answer.text, /PKCE/);
});

scenario(42, "RFC 7636 §4.4.1", "plain is refused, also when it is only meant", async () => {
  const client = await door.client();
  isAFault(await client.authorization({ code_challenge_method: "plain" }), "invalid_request");
  isAFault(await client.authorization({ code_challenge_method: undefined }), "invalid_request");
});

scenario(43, "RFC 7636 §4.3", "an unknown method, a method without a challenge, and what is no S256 are refused (B11)", async () => {
  const client = await door.client();
  isAFault(await client.authorization({ code_challenge_method: "S512" }), "invalid_request");
  isAFault(await client.authorization({ code_challenge: undefined }), "invalid_request");
  for (const code_challenge of ["", "x", CHALLENGE.slice(1), `${CHALLENGE}A`, CHALLENGE.replace("-", "+"), CHALLENGE.replace("-", "=")]) {
    isAFault(await client.authorization({ code_challenge }), "invalid_request");
  }
});

scenario(44, "OAuth 2.1 §7.5.1", "a confidential client may do without PKCE, and then proves itself by its secret and address", async () => {
  const client = await door.client({ token_endpoint_auth_method: "client_secret_post" });
  const granted = await client.code({ code_challenge: undefined, code_challenge_method: undefined });
  const answer = await client.redeem(granted, { code_verifier: undefined });
  assert.equal(answer.status, 200, answer.text);
  await door.works(answer.json.access_token);
});

scenario(45, "RFC 8707 §2", "a resource is an absolute URI without a fragment", async () => {
  const client = await door.client();
  for (const resource of [`${door.origin}/mcp#x`, "/mcp", "mcp", "javascript:x", `${door.origin}/mcp?x`, `${door.origin}/x/../mcp`]) {
    isAFault(await client.authorization({ resource }), "invalid_target");
  }
});

scenario(46, "RFC 8707 §2", "another resource is refused, and none is the whole door", async () => {
  const client = await door.client();
  for (const resource of [`${door.origin}/`, `${door.origin}/oauth`, `${door.origin}/mcpfoo`, `${door.origin}/mcp/a/b/c`]) {
    isAFault(await client.authorization({ resource }), "invalid_target");
  }
  const tokens = await client.tokens({ resource: undefined });
  assert.equal(tokens.resource, `${door.origin}/mcp`);
});

scenario(47, "RFC 9207 §2", "an approval goes back with one code, the state, iss and no error", async () => {
  const client = await door.client({ redirect_uris: [`${REDIRECT}?mine=1`] });
  const { back, state } = await client.code({ state: "s&t ü=" });
  assert.equal(state, "s&t ü=");
  const all = [...back.searchParams.keys()].sort();
  assert.deepEqual(all, ["code", "iss", "mine", "state"]);
  assert.equal(back.searchParams.get("state"), "s&t ü=");
  assert.equal(back.searchParams.get("iss"), door.origin);
  assert.equal((await client.code({ state: undefined })).back.searchParams.has("state"), false);
});

scenario(48, "RFC 6749 §4.1.2.1", "a no goes back as access_denied, whether it is said here or at Sentry", async () => {
  const client = await door.client();
  for (const say of [cancel, (url) => approve(url, { atSentry: "deny" })]) {
    const request = client.request();
    const back = await say(request.url);
    assert.equal(back.origin + back.pathname, REDIRECT);
    assert.equal(back.searchParams.get("error"), "access_denied");
    assert.equal(back.searchParams.get("state"), request.state);
    assert.equal(back.searchParams.get("iss"), door.origin);
    assert.ok(!back.searchParams.has("code"));
  }
});

scenario(49, "RFC 8252 §7.3", "a loopback address may have any port", async () => {
  const hosts = ["127.0.0.1", "[::1]", "localhost"];
  const client = await door.client({ redirect_uris: hosts.map((host) => `http://${host}:1/cb`) });
  const without = await door.client({ redirect_uris: hosts.map((host) => `http://${host}/cb`) });
  for (const host of hosts) {
    for (const port of [":1", ":9", ":65535", ""]) {
      isAsked(await client.authorization({ redirect_uri: `http://${host}${port}/cb` }));
      isAsked(await without.authorization({ redirect_uri: `http://${host}${port}/cb` }));
    }
  }
  const granted = await client.code({ redirect_uri: "http://127.0.0.1:9/cb" });
  assert.equal(granted.back.port, "9");
  assert.equal((await client.redeem(granted)).status, 200);
});

scenario(50, "RFC 8252 §7.3", "nothing but the port may differ, and nothing may be added (B13)", async () => {
  const client = await door.client({ redirect_uris: ["http://127.0.0.1:1/cb?a=b"] });
  isAsked(await client.authorization({ redirect_uri: "http://127.0.0.1:9/cb?a=b" }));
  for (const redirect_uri of [
    "http://127.0.0.1:9/other?a=b", "http://127.0.0.1:9/cb", "http://127.0.0.1:9/cb?a=c", "https://127.0.0.1:9/cb?a=b",
    "http://127.0.0.2:9/cb?a=b", "http://localhost:9/cb?a=b", "http://[::1]:9/cb?a=b", "http://evil@127.0.0.1:9/cb?a=b",
    "http://127.0.0.1:9@evil.example/cb?a=b", "http://127.0.0.1:9/cb?a=b#x", "http://127.0.0.1:99999/cb?a=b", "http://127.1:9/cb?a=b",
  ]) {
    staysHere(await client.authorization({ redirect_uri }));
  }
});

scenario(51, "RFC 6749 §3.1.2.3", "elsewhere the port counts", async () => {
  const client = await door.client({ redirect_uris: ["https://app.example/cb"] });
  staysHere(await client.authorization({ redirect_uri: "https://app.example:8443/cb" }));
});

scenario("51b", "RFC 6749 §3.1", "a parameter that stands there twice is refused (B11)", async () => {
  const client = await door.client();
  for (const twice of [["scope", "a"], ["response_type", "code"], ["code_challenge", CHALLENGE], ["nonsense", "1"]]) {
    const other = [twice[0], "other"];
    const added = twice[0] === "scope" || twice[0] === "nonsense" ? [twice, other] : [twice];
    isAFault(await client.authorization({}, added), "invalid_request");
  }
});
