// `npm run torture -- --kills 200`: kills workerd so many times in the middle of turns, and looks whether each turn still
// ends in exactly one visible reply; as often while Sentry's tokens are refreshed for a turn, and looks whether the person's
// access still works or they are asked to connect again; and as often within each step that makes or ends an MCP client's
// tokens. What came of it is printed. `npm test` does the same with 12 to 20 kills.

import { parseArgs } from "node:util";
import { Failure, environment, main, node, run } from "./lib.mjs";
import { build } from "./build.mjs";

main(async () => {
  const { values } = parseArgs({ options: { kills: { type: "string", default: "200" } } });
  if (!/^[1-9]\d{0,4}$/.test(values.kills)) throw new Failure("--kills takes a number from 1 to 99999");
  await build();
  const env = environment({ VEDETTE_KILLS: values.kills });
  const cargo = (args) => run("cargo", args, { env, failure: `\`cargo ${args[0]}\` failed` });
  await cargo(["build", "--package", "vedette-sandbox", "--bins"]);
  const kill = ["test", "--test", "workerd", "killed_at", "--", "--nocapture"];
  await run("cargo", kill, {
    env,
    failure: "a kill lost, doubled or gave away something; the sentence above says which and what",
  });
  await run(node(), ["--test", "--test-reporter=spec", "tests/oauth/crashes.test.mjs"], {
    env,
    failure: "a kill was not survived",
  });
});
