// The documents: their links lead somewhere, and what is said to be listed is.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { at } from "../../scripts/lib.mjs";

const read = (file) => fs.readFileSync(at(file), "utf8");
const within = (folder) => fs.readdirSync(at(folder)).filter((name) => name.endsWith(".md")).map((name) => path.join(folder, name));
const documents = [".", ".github", "docs", "docs/decisions"].flatMap(within);

/** The fragments that GitHub gives to the headings of a document. */
function headings(file) {
  const titles = [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, title]) => title);
  return titles.map((title) => title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"));
}

test("every link within the project leads to a file, and to a heading in it", () => {
  let count = 0;
  for (const file of documents) {
    for (const [, target] of read(file).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
      const [name, fragment] = target.split("#");
      const leadsTo = name ? path.join(path.dirname(file), name) : file;
      assert.ok(fs.existsSync(at(leadsTo)), `${file}: ${target} leads nowhere`);
      if (fragment) assert.ok(headings(leadsTo).includes(fragment), `${file}: ${target} is no heading there`);
      count += 1;
    }
  }
  assert.ok(count > 60);
});

test("every decision is in the list of decisions, has its three parts, and is short", () => {
  for (const file of within("docs/decisions")) {
    const name = path.basename(file);
    if (name === "README.md") continue;
    assert.ok(read("docs/decisions/README.md").includes(`](${name})`), name);
    for (const part of ["Context", "Decision", "Consequences"]) assert.ok(read(file).includes(`\n## ${part}\n`), `${name}: ${part}`);
    assert.ok(read(file).split("\n").length <= 41, name);
  }
});

test("the architecture is read in one sitting", () => assert.ok(read("docs/architecture.md").split("\n").length <= 251));

test("every promise is listed once, in its order", () => {
  const promises = [...read("CONTRIBUTING.md").matchAll(/^\| P(\d+) \|/gm)].map(([, number]) => Number(number));
  assert.deepEqual(promises, Array.from({ length: 26 }, (_, nth) => nth + 1));
});
