// Cases 111 to 120: token exchange (RFC 8693) and identity assertions (RFC 7523, MCP's enterprise-managed authorization). We
// have neither, on purpose: the only way to a token is a person's consent. Each case is what a client of such a flow would
// send, and gets the refusal that tells it so.

import assert from "node:assert/strict";
import { isError, openDoor, scenario } from "./door.mjs";

const door = openDoor();
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ACCESS = "urn:ietf:params:oauth:token-type:access_token";

/** Fails unless each of these forms is refused, and the token within them, another client's, is as good as before. */
async function refuses(grant_type, ...forms) {
  const [client, tokens] = [await door.client({ client_name: "Another client" }), await (await door.client()).tokens()];
  for (const form of forms) isError(await client.ask({ grant_type, ...form(tokens.access_token) }), 400, "unsupported_grant_type");
  await door.works(tokens.access_token);
}

scenario(111, "RFC 8693 §2.1", "no token is exchanged, least of all another client's (B7)", async () => {
  await refuses(EXCHANGE, (token) => ({ subject_token: token, subject_token_type: ACCESS }));
});

scenario(112, "RFC 8693 §2.1", "nor for a narrower or wider scope", async () => {
  const exchange = (scope) => (token) => ({ subject_token: token, subject_token_type: ACCESS, scope });
  await refuses(EXCHANGE, exchange("org:read"), exchange("org:admin"));
});

scenario(113, "RFC 8693 §2.1", "nor with parts missing or of other types", async () => {
  await refuses(EXCHANGE, () => ({}), (token) => ({ subject_token: token }), () => ({ subject_token: "x", subject_token_type: ACCESS }), (token) => ({ subject_token: token, subject_token_type: "urn:ietf:params:oauth:token-type:jwt" }));
});

scenario(114, "RFC 8693 §2.1", "nor for another resource or life", async () => {
  const exchange = (more) => (token) => ({ subject_token: token, subject_token_type: ACCESS, ...more });
  await refuses(EXCHANGE, exchange({ resource: "https://evil.example/mcp" }), exchange({ resource: `${door.origin}/mcp` }), exchange({ expires_in: "999999" }));
});

scenario(115, "RFC 8414 §2, RFC 7591 §3.2.1", "and it is not announced, and a client that registers for it gets the rest", async () => {
  const { grant_types_supported } = (await door.ask("/.well-known/oauth-authorization-server")).json;
  assert.ok(!grant_types_supported.includes(EXCHANGE));
  const registered = await door.registration({ redirect_uris: ["https://app.example/cb"], grant_types: ["authorization_code", EXCHANGE] });
  assert.deepEqual([registered.status, registered.json.grant_types], [201, ["authorization_code"]]);
  isError(await door.registration({ redirect_uris: ["https://app.example/cb"], grant_types: [EXCHANGE] }), 400, "invalid_client_metadata");
});

/** A JWT with this header and these claims, and with a signature that nobody made. */
const jwt = (header, claims) => [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".") + ".c2lnbmF0dXJl";
const claims = () => ({ iss: "https://idp.example", sub: "ada", aud: door.origin, jti: "1", exp: 4e9, iat: 1 });

scenario(116, "RFC 7523 §2.1", "no assertion becomes a token", async () => {
  await refuses(JWT, ...["RS256", "ES256"].map((alg) => () => ({ assertion: jwt({ alg, typ: "oauth-id-jag+jwt" }, claims()) })));
});

scenario(117, "RFC 7523 §3", "a broken, unsigned or foreign one neither", async () => {
  const odd = [jwt({ alg: "none" }, claims()), jwt({ alg: "RS256", typ: "JWT" }, { ...claims(), aud: ["a", "b"] }), "junk", "", "a".repeat(9_000)];
  await refuses(JWT, ...odd.map((assertion) => () => ({ assertion })), () => ({}));
});

scenario(118, "RFC 8707 §2.2", "whatever resource it names", async () => {
  await refuses(JWT, ...[`${door.origin}/mcp`, "https://evil.example"].map((resource) => () => ({ assertion: jwt({ alg: "RS256" }, claims()), resource })));
});

scenario(119, "RFC 7523 §3", "however often, also at once (C6)", async () => {
  const client = await door.client();
  const assertion = jwt({ alg: "RS256" }, claims());
  const all = await Promise.all(Array.from({ length: 20 }, () => client.ask({ grant_type: JWT, assertion })));
  for (const answer of all) isError(answer, 400, "unsupported_grant_type");
});

scenario(120, "RFC 7523 §2.2", "an assertion does not authenticate a client either", async () => {
  const metadata = (await door.ask("/.well-known/oauth-authorization-server")).json;
  assert.ok(!metadata.grant_types_supported.includes(JWT));
  assert.ok(!("authorization_grant_profiles_supported" in metadata));
  const form = { grant_type: "authorization_code", code: "x", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion: jwt({ alg: "RS256" }, claims()) };
  isError(await door.form(form), 401, "invalid_client");
});
