// slack-manifest.yaml, the Slack app that one pastes into api.slack.com: its form, Slack's limits, and that it asks for
// exactly what the Worker serves.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const file = path.join(root, "slack-manifest.yaml");
const options = fs.existsSync(file) ? {} : { skip: "slack-manifest.yaml is not in this checkout" };
const manifest = options.skip ? {} : parse(fs.readFileSync(file, "utf8"), { strict: true, uniqueKeys: true });

/** The form: what may be where, and of what kind. A key that Slack does not know makes it refuse the manifest. */
const FORM = {
  _metadata: { major_version: "number", minor_version: "number" },
  display_information: { name: 35, description: 140, long_description: 4000, background_color: /^#([0-9a-f]{3}|[0-9a-f]{6})$/i },
  features: {
    bot_user: { display_name: 80, always_online: "boolean" },
    app_home: { home_tab_enabled: "boolean", messages_tab_enabled: "boolean", messages_tab_read_only_enabled: "boolean" },
    agent_view: { agent_description: 300, suggested_prompts: [{ title: 75, message: 1000 }], actions: "object" },
    slash_commands: [{ command: /^\/[a-z0-9_-]{1,31}$/, url: /^https:\/\//, description: 2000, usage_hint: 1000, should_escape: "boolean" }],
    unfurl_domains: ["string"],
  },
  oauth_config: {
    redirect_urls: [/^https:\/\//],
    scopes: { bot: [/^[a-z_.]+(:[a-z_.]+)*$/], user: [/^[a-z_.]+(:[a-z_.]+)*$/] },
  },
  settings: {
    event_subscriptions: { request_url: /^https:\/\//, bot_events: [/^[a-z_.]+$/], user_events: [/^[a-z_.]+$/] },
    interactivity: { is_enabled: "boolean", request_url: /^https:\/\//, message_menu_options_url: /^https:\/\// },
    org_deploy_enabled: "boolean",
    socket_mode_enabled: "boolean",
    token_rotation_enabled: "boolean",
    allowed_ip_address_ranges: ["string"],
  },
  mcp_servers: "object",
};

function problems(value, form, where) {
  if (typeof form === "string") return typeof value === form ? [] : [`${where} is not a ${form}`];
  if (typeof form === "number") {
    if (typeof value !== "string" || value === "") return [`${where} is not text`];
    return [...value].length <= form ? [] : [`${where} is longer than ${form} characters`];
  }
  if (form instanceof RegExp) return typeof value === "string" && form.test(value) ? [] : [`${where} is not ${form}`];
  if (Array.isArray(form)) {
    if (!Array.isArray(value)) return [`${where} is not a list`];
    return value.flatMap((each, index) => problems(each, form[0], `${where}[${index}]`));
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [`${where} is not a group`];
  return Object.entries(value).flatMap(([key, inner]) =>
    key in form ? problems(inner, form[key], where ? `${where}.${key}` : key) : [`${where}.${key} is unknown`],
  );
}

test("the form and the limits are Slack's", options, () => assert.deepEqual(problems(manifest, FORM, ""), []));

test("what Slack requires is there", options, () => {
  assert.ok(manifest.display_information.name);
  assert.ok(manifest.features.bot_user.display_name);
  assert.ok((manifest.features.slash_commands ?? []).length <= 50);
  assert.ok((manifest.features.agent_view?.suggested_prompts ?? []).length <= 4);
  assert.ok((manifest.oauth_config.scopes.bot ?? []).length <= 255);
  assert.ok((manifest.settings.event_subscriptions.bot_events ?? []).length <= 100);
});

test("its addresses are those that the Worker serves, on one host", options, () => {
  const addresses = [
    ["/slack/commands", ...manifest.features.slash_commands.map(({ url }) => url)],
    ["/slack/events", manifest.settings.event_subscriptions.request_url],
    ["/slack/interactions", manifest.settings.interactivity.request_url],
  ];
  const hosts = new Set();
  for (const [path, ...urls] of addresses) {
    for (const url of urls) {
      assert.ok(url.endsWith(path), `${url} does not end in ${path}`);
      hosts.add(url.slice(0, -path.length));
    }
  }
  assert.equal(hosts.size, 1, [...hosts].join(" "));
});

test("each event has the scope that Slack asks for it", options, () => {
  const NEEDS = {
    app_mention: "app_mentions:read",
    "message.im": "im:history",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.mpim": "mpim:history",
    assistant_thread_started: "assistant:write",
    assistant_thread_context_changed: "assistant:write",
  };
  const { bot } = manifest.oauth_config.scopes;
  for (const event of manifest.settings.event_subscriptions.bot_events) {
    if (NEEDS[event]) assert.ok(bot.includes(NEEDS[event]), `${event} needs ${NEEDS[event]}`);
  }
  if (manifest.features.slash_commands) assert.ok(bot.includes("commands"));
  assert.ok(bot.includes("chat:write"));
  assert.equal(new Set(bot).size, bot.length, "a scope is named twice");
});
