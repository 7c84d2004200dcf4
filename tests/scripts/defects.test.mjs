// docs/known-defects.md and docs/security.md name tests. Here it is checked that those tests exist, that no row is missing,
// and that each of the 128 cases has its test in tests/oauth.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const read = (file) => fs.readFileSync(path.join(root, file), "utf8");
const files = (folder, end) => fs.readdirSync(path.join(root, folder), { recursive: true }).filter((name) => name.endsWith(end)).map((name) => path.join(folder, name));

const rust = new Set(["src", "crates", "tests"].flatMap((folder) => files(folder, ".rs")).flatMap((file) => [...read(file).matchAll(/#\[test\]\s+(?:#\[[^\]]*\]\s+)*fn (\w+)/g)].map(([, name]) => name)));
// Properties stand within `proptest! { … }`.
for (const file of ["src", "crates"].flatMap((folder) => files(folder, ".rs"))) for (const [, block] of read(file).matchAll(/proptest! \{([\s\S]*?)\n    \}/g)) for (const [, name] of block.matchAll(/fn (\w+)\(/g)) rust.add(name);

const scripts = files("tests", ".test.mjs").map(read).join("\n");
/** The names of JavaScript's tests; `${callers}` stands for each of two numbers. */
const javascript = [...scripts.matchAll(/\btest\(\s*(["`])(.*?)\1/g)].flatMap(([, , name]) => (name.includes("${callers}") ? [20, 100].map((callers) => name.replaceAll("${callers}", callers)) : [name]));
const cases = [...scripts.matchAll(/\b(?:scenario|shownOnTheHost)\((\d+|"\w+"), "/g)].map(([, number]) => number.replaceAll('"', ""));

const exists = (name) => {
  const number = /^case (\w+)$/.exec(name)?.[1];
  if (number) return cases.includes(number);
  return rust.has(name) || javascript.some((known) => known === name || (/[ :]/.test(name) && known.startsWith(name) && !/\w/.test(known[name.length])));
};

const defects = read("docs/known-defects.md");
const rows = [...defects.matchAll(/^\| (\w+) \|(.*)\|(.*)\|(.*)\|$/gm)].map(([, id, , here, shown]) => ({ id, here, names: [...shown.matchAll(/`([^`]+)`/g)].map(([, name]) => name) }));

test("each of the 128 cases has one test", () => {
  const numbered = cases.filter((number) => /^\d+$/.test(number)).map(Number);
  assert.deepEqual(numbered.sort((one, other) => one - other), Array.from({ length: 128 }, (_, nth) => nth + 1));
});

test("no defect is missing in the table: B1 to B14, C1 to C9, and 21 gaps", () => {
  const list = (letter, count) => Array.from({ length: count }, (_, nth) => `${letter}${nth + 1}`);
  assert.deepEqual(rows.map(({ id }) => id), [...list("B", 14), ...list("C", 9), ...list("", 21)]);
});

test("every name in this table and in security.md is a test", () => {
  for (const { id, here, names } of rows) {
    assert.ok(names.length > 0 || here.includes("yet"), `${id} names no test`);
    for (const name of names) assert.ok(exists(name), `${id}: ${name} is not there`);
  }
  const named = [...read("docs/security.md").matchAll(/`(\w+)`/g)].map(([, name]) => name).filter((name) => name.split("_").length > 4 && name === name.toLowerCase());
  assert.ok(named.length > 50);
  for (const name of named) assert.ok(exists(name), `docs/security.md: ${name} is not there`);
});

test("the check finds what is not there", () => {
  for (const name of ["case 999", "no_such_test_anywhere", "C1: of 21 redemptions", "gap 99"]) assert.ok(!exists(name), name);
});
