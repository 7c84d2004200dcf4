// `node scripts/fuzz.mjs [target [seconds]]`: runs one fuzz target, or each of them, for so many seconds (20). fuzz/README.md.

import fs from "node:fs";
import path from "node:path";
import { Failure, at, environment, main, run, step, which } from "./lib.mjs";

const targets = fs.readdirSync(at("fuzz/fuzz_targets")).map((file) => path.basename(file, ".rs"));

main(async () => {
  const [only, seconds = "20"] = process.argv.slice(2);
  if (only !== undefined && !targets.includes(only)) {
    throw new Failure(`there is no target ${only}: choose from ${targets.join(", ")}`);
  }
  if (!/^[1-9]\d*$/.test(seconds)) throw new Failure("the seconds are a whole number");
  if (!which("cargo-fuzz")) throw new Failure("cargo-fuzz is missing: run `cargo install cargo-fuzz --locked`");
  const env = environment({ RUSTUP_TOOLCHAIN: "nightly" });
  for (const target of only ? [only] : targets) {
    const log = at(`.wrangler/logs/fuzz-${target}.log`);
    await step(`${target}, ${seconds} s`, () =>
      run("cargo", ["fuzz", "run", target, "--", `-max_total_time=${seconds}`, "-max_len=4096"], {
        env,
        log,
        failure: `${target} has found something`,
      }),
    );
  }
});
