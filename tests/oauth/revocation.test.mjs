// Cases 92 to 98: revocation, at its own endpoint and at the token endpoint.

import assert from "node:assert/strict";
import { challenge, isError, isNotCached, openDoor, scenario } from "./door.mjs";

const door = openDoor();

/** Fails unless this is the empty 200 that tells nothing. */
function isDone(answer) {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text, "");
  isNotCached(answer);
}

scenario(92, "RFC 7009 §2.1", "a revoked access token ends alone", async () => {
  for (const where of ["/oauth/revoke", "/oauth/token"]) {
    const client = await door.client();
    const tokens = await client.tokens();
    isDone(await client.ask({ token: tokens.access_token }, where));
    await door.isDead(tokens.access_token);
    const next = await client.refresh(tokens.refresh_token);
    assert.equal(next.status, 200, next.text);
    await door.works(next.json.access_token);
  }
});

scenario(93, "RFC 7009 §2.1", "a revoked refresh token ends all that came of the authorization, here and at Sentry", async () => {
  const live = await door.liveAtSentry();
  const client = await door.client();
  const first = await client.tokens();
  const second = (await client.refresh(first.refresh_token)).json;
  const { revocations } = await door.counted();
  isDone(await client.revoke(second.refresh_token));
  for (const { access_token } of [first, second]) await door.isDead(access_token);
  for (const { refresh_token } of [first, second]) isError(await client.refresh(refresh_token), 400, "invalid_grant");
  for (let tries = 0; (await door.counted()).revocations === revocations; tries += 1) {
    assert.ok(tries < 100, "Sentry is told");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(await door.liveAtSentry(), live);
});

scenario(94, "RFC 7009 §2.1", "a wrong or unknown hint does not matter", async () => {
  for (const hint of ["refresh_token", "nonsense"]) {
    const client = await door.client();
    const tokens = await client.tokens();
    isDone(await client.revoke(tokens.access_token, { token_type_hint: hint }));
    await door.isDead(tokens.access_token);
    isDone(await client.revoke(tokens.refresh_token, { token_type_hint: "access_token" }));
    isError(await client.refresh(tokens.refresh_token), 400, "invalid_grant");
  }
});

scenario(95, "RFC 7009 §2.2", "an unknown token or garbage is revoked already", async () => {
  const client = await door.client();
  const { code } = await client.code();
  for (const token of ["garbage", "a:b:c", `vda_${"A".repeat(86)}`, "a".repeat(600), code]) isDone(await client.revoke(token));
  isError(await client.revoke(""), 400, "invalid_request");
});

scenario(96, "RFC 7009 §2.1", "another client's token goes on working, and the answer does not tell", async () => {
  const client = await door.client();
  const other = await door.client({ client_name: "Another client" });
  const tokens = await client.tokens();
  isDone(await other.revoke(tokens.access_token));
  isDone(await other.revoke(tokens.refresh_token));
  await door.works(tokens.access_token);
  assert.equal((await client.refresh(tokens.refresh_token)).status, 200);
});

scenario(97, "RFC 7009 §2.1", "who does not authenticate as registered revokes nothing", async () => {
  const client = await door.client({ token_endpoint_auth_method: "client_secret_basic" });
  const tokens = await client.tokens();
  for (const wrong of [client.as("client_secret_post"), client.as("none"), client.as("client_secret_basic", "wrong")]) {
    isError(await wrong.revoke(tokens.refresh_token), 401, "invalid_client");
  }
  await door.works(tokens.access_token);
  isDone(await client.revoke(tokens.refresh_token));
  assert.equal(challenge(await door.isDead(tokens.access_token)).scheme, "Bearer");
});

scenario(98, "RFC 7009 §2.1", "after a revocation that races refreshes nothing works (ours; C3 in races.test.mjs)", async () => {
  const client = await door.client();
  const first = await client.tokens();
  const refreshes = Array.from({ length: 20 }, () => client.refresh(first.refresh_token));
  const [revoked, ...all] = await Promise.all([client.revoke(first.refresh_token), ...refreshes]);
  isDone(revoked);
  const pairs = [first, ...all.filter(({ status }) => status === 200).map(({ json }) => json)];
  for (const { access_token, refresh_token } of pairs) {
    await door.isDead(access_token);
    isError(await client.refresh(refresh_token), 400, "invalid_grant");
  }
});
