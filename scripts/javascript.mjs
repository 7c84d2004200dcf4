// `node scripts/javascript.mjs`: layout (Prettier), lints (ESLint) and types (tsc, from JSDoc) of the JavaScript. With `--fix`,
// as `npm run format` calls it, writes what can be mended.

import { Failure, isMain, main, node, packageProgram, run } from "./lib.mjs";

/** What is looked at, for Prettier and ESLint; tsconfig.json has the same list. */
const FILES = ["scripts/*.mjs", "bench/*.mjs", "*.mjs"];

/** Checks the JavaScript, or mends it. */
export async function javascript({ fix = false } = {}) {
  const tool = (name, args, failure) => run(node(), [packageProgram(name), ...args], { failure });
  await tool("eslint", [...(fix ? ["--fix"] : []), ...FILES], "ESLint has objections");
  const layout = ["--log-level", "warn", fix ? "--write" : "--check", ...FILES];
  await tool("prettier", layout, "the layout differs from Prettier's: run `npm run format`");
  await tool("tsc", ["--project", "tsconfig.json"], "the types do not agree");
}

if (isMain(import.meta.url)) {
  main(async () => {
    const args = process.argv.slice(2);
    if (args.some((arg) => arg !== "--fix")) throw new Failure("the only option is --fix");
    await javascript({ fix: args.includes("--fix") });
  });
}
