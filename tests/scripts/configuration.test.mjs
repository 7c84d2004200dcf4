// What a deployment is configured with, checked against what the code reads: wrangler.toml, .dev.vars.example (which
// the Deploy button turns into a form) and package.json (which describes the form).

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import wrangler from "wrangler";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const read = (file) => fs.readFileSync(path.join(root, file), "utf8");
const config = wrangler.unstable_readConfig({ config: path.join(root, "wrangler.toml") }, { hideWarnings: true });
const manifest = JSON.parse(read("package.json"));
const example = read(".dev.vars.example").split("\n");

const SECRETS = ["SENTRY_CLIENT_ID", "SENTRY_CLIENT_SECRET", "COOKIE_SECRET", "SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"];

/** Each variable that src/config.rs reads. */
const variables = [...new Set(read("src/config.rs").match(/\bget\("([A-Z_]+)"\)/g).map((call) => call.slice(5, -2)))];

test("the code reads variables", () => assert.ok(variables.length >= 12, variables.join(" ")));

test("every variable is in .dev.vars.example, with a comment above", () => {
  for (const name of variables) {
    const line = example.findIndex((text) => text.replace(/^# /, "").startsWith(`${name}=`));
    assert.ok(line > 0, `${name} is missing`);
    assert.match(example[line - 1], /^# \w/, `${name} has no comment`);
  }
});

test("the Deploy button asks for what everybody needs, and nothing else", () => {
  const asked = example.map((line) => line.match(/^([A-Z_]+)=/)?.[1]).filter(Boolean);
  assert.deepEqual(asked.sort(), [...SECRETS].sort());
});

test("the Deploy button's form describes every binding and secret that it shows", () => {
  const described = Object.keys(manifest.cloudflare.bindings);
  for (const name of [...SECRETS, "GRANTS", ...Object.keys(config.vars)]) assert.ok(described.includes(name), name);
});

test("the Deploy button's build and deploy commands exist", () => {
  assert.ok(manifest.scripts.build);
  assert.ok(manifest.scripts.deploy);
});

test("no secret has a value in a file that is committed", () => {
  for (const name of SECRETS) assert.ok(!(name in config.vars), `${name} is in wrangler.toml`);
  for (const line of example) assert.doesNotMatch(line, /^(# )?\w*(SECRET|TOKEN)\w*(?<!_HOURS)="[^"]/);
});

test("the bindings are there, and Person keeps its state in SQLite", () => {
  assert.deepEqual(config.kv_namespaces.map(({ binding, id }) => [binding, id]), [["GRANTS", undefined]]);
  assert.ok(config.durable_objects.bindings.some(({ name, class_name }) => name === "PERSON" && class_name === "Person"));
  const sqlite = config.migrations.flatMap((migration) => migration.new_sqlite_classes ?? []);
  for (const { class_name } of config.durable_objects.bindings) assert.ok(sqlite.includes(class_name), class_name);
});

test("the rate limits are those of the table in the code", () => {
  const table = read("src/limits.rs").matchAll(/Limit \{ binding: "(\w+)", number: (\d+), period: (\d+) \}/g);
  const inCode = [...table].map(([, name, limit, period]) => [name, Number(limit), Number(period)]);
  assert.equal(inCode.length, 8);
  assert.deepEqual(config.ratelimits.map(({ name, simple }) => [name, simple.limit, simple.period]), inCode);
  assert.equal(new Set(config.ratelimits.map((limit) => limit.namespace_id)).size, 8);
});

test("the logs hold no request URL: a callback's has the code and the state in it", () => {
  assert.equal(config.observability.logs.invocation_logs, false);
});

const locks = ["package-lock.json", "tests/interop/clients/package-lock.json"];

test("the lock files name no registry", () => {
  for (const lock of locks) assert.doesNotMatch(read(lock), /"resolved"/, lock);
});

test("the lock files have a checksum of every package", () => {
  for (const lock of locks) {
    const without = Object.entries(JSON.parse(read(lock)).packages).filter(([name, { integrity, inBundle }]) => name && !integrity && !inBundle);
    assert.deepEqual(without, [], lock);
  }
});

test("docs/deploy.md tells every variable", () => {
  const text = read("docs/deploy.md");
  for (const name of variables) assert.ok(text.includes(`\`${name}\``), name);
});

test("the README is short", () => assert.ok(read("README.md").trimEnd().split("\n").length <= 150));

// A registry that does not serve a package for some other platform makes npm leave it out, and `npm ci` then refuses.
test("the lock file holds every package, for every platform", () => {
  const { packages } = JSON.parse(read("package-lock.json"));
  for (const [name, { dependencies, optionalDependencies }] of Object.entries(packages)) {
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = packages[`node_modules/${needed}`] ?? packages[`${name}/node_modules/${needed}`];
      assert.ok(found?.version, `${needed}, which ${name} names, is missing`);
    }
  }
});
