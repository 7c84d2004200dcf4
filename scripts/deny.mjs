// `node scripts/deny.mjs`: checks the crates' licences, sources and duplicate versions against deny.toml, with cargo-deny.
// Downloads nothing but crates of Cargo.lock that are not here yet; advisories, which need a database, are audit.yml's.

import { Failure, isMain, main, run, which } from "./lib.mjs";

/** The path of cargo-deny, or undefined. */
export const findDeny = () => which("cargo-deny");

/** Checks the crates. */
export async function deny() {
  const program = findDeny();
  if (!program) throw new Failure("cargo-deny is not installed: run `cargo install cargo-deny --locked`");
  const checks = ["bans", "licenses", "sources"];
  const strict = ["--deny", "unmatched-skip", "--deny", "unnecessary-skip"]; // an exception that is not needed any more goes
  await run(program, ["--locked", "check", ...strict, ...checks], { failure: "a crate is not allowed by deny.toml" });
}

if (isMain(import.meta.url)) main(deny);
