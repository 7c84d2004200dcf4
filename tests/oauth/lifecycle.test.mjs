// Cases 127 and 128: authorizing again, and clients that are gone.

import assert from "node:assert/strict";
import { isError, openDoor, scenario, shownOnTheHost } from "./door.mjs";

const door = openDoor();

scenario(127, "RFC 6749 §1.3", "each authorization stands for itself: a second one ends neither the first nor another client's (ours)", async () => {
  const client = await door.client();
  const other = await door.client({ client_name: "Another client" });
  const [first, others] = [await client.tokens(), await other.tokens()];
  const second = await client.tokens();
  for (const tokens of [first, others, second]) {
    await door.works(tokens.access_token);
    assert.equal((await (tokens === others ? other : client).refresh(tokens.refresh_token)).status, 200);
  }
  assert.equal((await client.revoke(second.refresh_token)).status, 200);
  await door.isDead(second.access_token);
  await door.works(first.access_token);
  await door.works(others.access_token);
});

scenario(128, "RFC 7592 §2.3", "a registration is not stored, so there is none to delete; an id that we did not make is no client", async () => {
  const client = await door.client();
  const tokens = await client.tokens();
  assert.equal((await door.ask("/oauth/register", { method: "DELETE" })).status, 405);
  assert.equal((await door.ask(`/oauth/register/${client.id}`, { method: "DELETE" })).status, 404);
  await door.works(tokens.access_token);
  client.id = client.id.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  isError(await client.refresh(tokens.refresh_token), 401, "invalid_client");
});

shownOnTheHost("128b", "RFC 7591 §3.2.1", "with a new secret of the operator's, every id has ended", "an_id_that_was_changed_or_made_elsewhere_is_none_p17");
