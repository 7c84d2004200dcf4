// What the benchmarks send as Slack: signed mentions of the app in #incidents.

import { createHmac } from "node:crypto";
import http from "node:http";

const SECRET = "sandbox-signing-secret";

/** A mention by `user`. `number` below 1,000,000 tells the events of one `run` apart. */
export function mention({ user, number, run, text = "issue list globex/checkout-api" }) {
  const second = Math.floor(Date.now() / 1000);
  const ts = `${second}.${String(number).padStart(6, "0")}`;
  const body = JSON.stringify({
    type: "event_callback",
    team_id: "T0GLOBEX",
    api_app_id: "A0VEDETTE",
    event_id: `Ev0${run}${number}`,
    event_time: second,
    authorizations: [{ enterprise_id: null, team_id: "T0GLOBEX", user_id: "U0VEDETTE", is_bot: true }],
    is_ext_shared_channel: false,
    event: {
      type: "app_mention",
      user,
      channel: "C0INCIDENTS",
      ts,
      event_ts: ts,
      team: "T0GLOBEX",
      text: `<@U0VEDETTE> ${text}`,
    },
  });
  return { ts, body };
}

/** The headers with which Slack would send `body` now. */
export function signed(body) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = `v0=${createHmac("sha256", SECRET).update(`v0:${timestamp}:${body}`).digest("hex")}`;
  return {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": signature,
  };
}

/** Sends one event: its status (of a failure the error's code) and the milliseconds to the end of its answer. */
export function send(worker, agent, body) {
  const headers = signed(body);
  const sent = performance.now();
  return new Promise((resolve) => {
    const done = (status) => resolve({ status, ms: performance.now() - sent });
    const request = http.request(`${worker}/slack/events`, { agent, method: "POST", headers }, (response) => {
      response.resume();
      response.on("end", () => done(response.statusCode));
      response.on("error", (error) => done(/** @type {any} */ (error).code));
    });
    request.on("error", (error) => done(/** @type {any} */ (error).code));
    request.end(body);
  });
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
