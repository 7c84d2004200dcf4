// `node scripts/release.mjs [--tag v0.2.0]`: the built Worker in one archive, with all that `wrangler deploy` needs and without
// Rust. Writes dist/vedette-<version>.tar.gz, its checksum, and the notes of this version from CHANGELOG.md.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { Failure, at, isMain, main, root, run, step } from "./lib.mjs";

/** What goes into the archive as it is. */
const FILES = ["build/index.js", "build/index_bg.wasm", ".dev.vars.example", "LICENSE", "slack-manifest.yaml"];

const read = (file) => fs.readFileSync(at(file), "utf8");

/** The version in Cargo.toml. */
export function version() {
  const found = read("Cargo.toml").match(/^version = "([^"]+)"/m)?.[1];
  if (!found) throw new Failure("Cargo.toml names no version");
  return found;
}

/** wrangler.toml without `[build]`: the Worker is there. */
export function withoutBuild(text) {
  const kept = text.replace(/^\[build\]\n(?:(?!\[|\n).*\n)*\n?/m, "");
  if (kept === text) throw new Failure("wrangler.toml has no [build] that could be left out");
  return kept;
}

/** The section of CHANGELOG.md about a version. */
export function notes(changelog, wanted) {
  const section = changelog.split(/^## /m).find((text) => text.startsWith(`[${wanted}]`));
  if (!section) throw new Failure(`CHANGELOG.md has no section [${wanted}]`);
  return `${section
    .slice(section.indexOf("\n"))
    .split(/^\[[^\]]+\]: /m)[0]
    .trim()}\n`;
}

/** Only wrangler, in the version that this was tested with. */
function manifest() {
  const { description, license, devDependencies } = JSON.parse(read("package.json"));
  const dependencies = { wrangler: devDependencies.wrangler };
  const scripts = { deploy: "wrangler deploy" };
  const fields = { name: "vedette", version: version(), private: true, description, license, scripts, dependencies };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

const README = `# Vedette, built

A Cloudflare Worker. With Node 22 or newer:

    npm install
    npx wrangler login
    npm run deploy

Then the Slack app, the OAuth application at Sentry and the secrets: docs/deploy.md of the project, from step 3.
To update, unpack the next release beside this folder, carry over what you and wrangler wrote into wrangler.toml (the
namespace's id, routes, [vars]), and deploy from there.
`;

/** Puts the archive of what is built, and its checksum, into `folder`. Returns the archive's path. */
export async function archive(folder) {
  for (const file of FILES) if (!fs.existsSync(at(file))) throw new Failure(`${file} is not there: build first`);
  const name = `vedette-${version()}`;
  const content = path.join(folder, name);
  fs.rmSync(content, { recursive: true, force: true });
  for (const file of FILES) {
    fs.mkdirSync(path.dirname(path.join(content, file)), { recursive: true });
    fs.copyFileSync(at(file), path.join(content, file));
  }
  fs.writeFileSync(path.join(content, "wrangler.toml"), withoutBuild(read("wrangler.toml")));
  fs.writeFileSync(path.join(content, "package.json"), manifest());
  fs.writeFileSync(path.join(content, "README.md"), README);

  const file = path.join(folder, `${name}.tar.gz`);
  await run("tar", ["-czf", file, "-C", folder, name], { failure: "tar could not write the archive" });
  fs.rmSync(content, { recursive: true });
  const digest = createHash("sha256").update(fs.readFileSync(file)).digest("hex");
  fs.writeFileSync(`${file}.sha256`, `${digest}  ${path.basename(file)}\n`);
  return file;
}

if (isMain(import.meta.url)) {
  main(async () => {
    const { values } = parseArgs({ options: { tag: { type: "string" } } });
    if (values.tag !== undefined && values.tag !== `v${version()}`) {
      throw new Failure(`the tag is ${values.tag} and Cargo.toml says ${version()}: they must agree`);
    }
    const dist = at("dist");
    fs.mkdirSync(dist, { recursive: true });
    fs.writeFileSync(path.join(dist, "notes.md"), notes(read("CHANGELOG.md"), version()));
    await build();
    await step("Archive", async (closing) => closing(path.relative(root, await archive(dist))));
  });
}
