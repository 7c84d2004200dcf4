// The archive of a release: what is in it, and that it can be deployed on a machine that has no Rust.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import wrangler from "wrangler";
import { at, node, packageProgram } from "../../scripts/lib.mjs";
import { archive, notes, version, withoutBuild } from "../../scripts/release.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vedette-release-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

test("a release can be deployed without Rust, from its archive alone", async () => {
  const file = await archive(folder);
  assert.deepEqual(fs.readdirSync(folder).sort(), [path.basename(file), `${path.basename(file)}.sha256`]);
  const digest = createHash("sha256").update(fs.readFileSync(file)).digest("hex");
  assert.equal(fs.readFileSync(`${file}.sha256`, "utf8"), `${digest}  ${path.basename(file)}\n`); // as `sha256sum --check` reads it
  execFileSync("tar", ["-xzf", file], { cwd: folder });
  const unpacked = path.join(folder, `vedette-${version()}`);
  // An empty PATH: whatever would have to be built, or called, fails.
  const env = { PATH: "", HOME: folder, CI: "true", NO_COLOR: "1", WRANGLER_SEND_METRICS: "false" };
  const args = [packageProgram("wrangler"), "deploy", "--dry-run", "--outdir", path.join(folder, "out")];
  const output = execFileSync(node(), args, { cwd: unpacked, env, encoding: "utf8" });
  for (const name of ["env.PERSON", "env.SESSION", "env.ACCOUNT", "env.STREAM", "env.GRANTS"]) assert.ok(output.includes(name), output);
  const wasm = fs.readdirSync(path.join(folder, "out")).filter((name) => name.endsWith(".wasm"));
  assert.equal(wasm.length, 1);
  assert.deepEqual(fs.readFileSync(path.join(folder, "out", wasm[0])), fs.readFileSync(at("build/index_bg.wasm")));
});

test("a release has the settings of wrangler.toml, but for the build", () => {
  const file = path.join(folder, "wrangler.toml");
  fs.writeFileSync(file, withoutBuild(fs.readFileSync(at("wrangler.toml"), "utf8")));
  const settings = (config) => {
    const { build, configPath, userConfigPath, topLevelName, main, ...rest } = wrangler.unstable_readConfig({ config }, { hideWarnings: true });
    return { command: build.command, rest };
  };
  const [released, own] = [settings(file), settings(at("wrangler.toml"))];
  assert.equal(released.command, undefined);
  assert.ok(own.command);
  assert.deepEqual(released.rest, own.rest);
});

test("a release's notes are its section of the changelog", () => {
  const changelog = "# Changelog\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- This.\n\n## [0.1.0] - 2026-11-01\n\n- That.\n\n[0.1.0]: https://example.com\n";
  assert.equal(notes(changelog, "0.2.0"), "### Added\n\n- This.\n");
  assert.equal(notes(changelog, "0.1.0"), "- That.\n");
  assert.throws(() => notes(changelog, "0.3.0"), /no section \[0\.3\.0\]/);
});

test("the version is the same in Cargo.toml and package.json, and the changelog has notes of what comes", () => {
  assert.equal(JSON.parse(fs.readFileSync(at("package.json"), "utf8")).version, version());
  assert.match(notes(fs.readFileSync(at("CHANGELOG.md"), "utf8"), "Unreleased"), /^- /m);
});
