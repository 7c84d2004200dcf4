// Cases 82 to 91: refresh tokens.

import assert from "node:assert/strict";
import { INSPECT, REDIRECT, isError, isNotCached, openDoor, scenario, shownOnTheHost } from "./door.mjs";

const door = openDoor();

/** A good answer's tokens. */
function issued(answer) {
  assert.equal(answer.status, 200, answer.text);
  isNotCached(answer);
  return answer.json;
}

scenario(82, "RFC 6749 §6", "a refresh gives a new access token and a new refresh token", async () => {
  const client = await door.client();
  const first = await client.tokens();
  const second = issued(await client.refresh(first.refresh_token));
  assert.notEqual(second.access_token, first.access_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal(second.scope, first.scope);
  await door.works(second.access_token);
});

scenario(83, "OAuth 2.1 §4.3.1", "who lost the answer asks again and gets the same pair; two generations back ends the family", async () => {
  const client = await door.client();
  const first = await client.tokens();
  const second = issued(await client.refresh(first.refresh_token));
  const again = issued(await client.refresh(first.refresh_token));
  assert.equal(again.access_token, second.access_token);
  assert.equal(again.refresh_token, second.refresh_token);
  await door.works(again.access_token);
  const third = issued(await client.refresh(second.refresh_token));
  await door.works(third.access_token);
  isError(await client.refresh(first.refresh_token), 400, "invalid_grant");
  await door.isDead(third.access_token);
  isError(await client.refresh(third.refresh_token), 400, "invalid_grant");
});

scenario(84, "OAuth 2.1 §4.3.1", "20 refreshes at once all get the same pair, and it works (ours; C2 in races.test.mjs)", async () => {
  const client = await door.client();
  const first = await client.tokens();
  const all = (await Promise.all(Array.from({ length: 20 }, () => client.refresh(first.refresh_token)))).map(issued);
  for (const pair of all) assert.deepEqual([pair.access_token, pair.refresh_token], [all[0].access_token, all[0].refresh_token]);
  await door.works(all[0].access_token);
  issued(await client.refresh(all[0].refresh_token));
});

shownOnTheHost(85, "RFC 9700 §4.14.2", "a replaced token that comes back a minute after its successor was used ends the family (ours)", "a_superseded_refresh_token_that_comes_back_revokes_the_family_p16_case_85");

scenario(86, "RFC 6749 §6", "another client's refresh token is refused and stays as it is", async () => {
  const client = await door.client();
  const other = await door.client({ client_name: "Another client" });
  const first = await client.tokens();
  for (let times = 0; times < 3; times += 1) isError(await other.refresh(first.refresh_token), 400, "invalid_grant");
  await door.works(first.access_token);
  issued(await client.refresh(first.refresh_token));
});

scenario(87, "RFC 6749 §6", "a refresh may narrow its own access token, not the next one's", async () => {
  const client = await door.client();
  const first = await client.tokens();
  const narrow = issued(await client.refresh(first.refresh_token, { scope: "org:read" }));
  assert.equal(narrow.scope, "org:read");
  const next = issued(await client.refresh(narrow.refresh_token));
  assert.equal(next.scope, INSPECT);
  isError(await client.refresh(next.refresh_token, { scope: "org:admin" }), 400, "invalid_scope");
});

scenario(88, "RFC 8707 §2.2", "a bad resource is refused and uses nothing up", async () => {
  const client = await door.client();
  const first = await client.tokens({ resource: `${door.origin}/mcp/globex` });
  for (const resource of [`${door.origin}/mcp`, "https://evil.example/mcp", "junk"]) {
    isError(await client.refresh(first.refresh_token, { resource }), 400, "invalid_target");
  }
  await door.works(first.access_token, { where: "/mcp/globex" });
  issued(await client.refresh(first.refresh_token));
});

shownOnTheHost(89, "RFC 6749 §6", "an unused refresh token ends after its time", "a_session_that_is_used_outlives_thirty_days_and_an_idle_one_does_not_case_89", "first_tokens_that_nobody_ever_used_do_not_keep_a_grant_for_a_month");

scenario(90, "RFC 6749 §5.1", "an access token lives eight hours, and the session longer", async () => {
  const client = await door.client();
  const first = await client.tokens();
  const second = issued(await client.refresh(first.refresh_token));
  for (const { expires_in } of [first, second]) assert.ok(Number.isInteger(expires_in) && expires_in > 28_700 && expires_in <= 28_800);
});

scenario(91, "RFC 7591 §2", "a client that is not registered for refreshing gets no refresh token and may use none (B3, ours)", async () => {
  const client = await door.client({ grant_types: ["authorization_code"] });
  assert.deepEqual(client.registration.grant_types, ["authorization_code"]);
  const tokens = await client.tokens();
  assert.ok(!("refresh_token" in tokens));
  await door.works(tokens.access_token);
  const other = await (await door.client()).tokens();
  isError(await client.refresh(other.refresh_token), 400, "unauthorized_client");
  const byDefault = await door.registration({ redirect_uris: [REDIRECT] });
  assert.deepEqual(byDefault.json.grant_types, ["authorization_code"]);
});
