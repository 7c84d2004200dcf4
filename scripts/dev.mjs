// `npm run dev`: the Worker alone, with the variables of `.dev.vars`, against the real Sentry and Slack.

import fs from "node:fs";
import { Failure, at, environment, main, needPort, node, packageProgram, portFrom, run } from "./lib.mjs";
import { setUp } from "./setup.mjs";

main(
  async () => {
    if (!fs.existsSync(at(".dev.vars"))) {
      throw new Failure(
        ".dev.vars is missing: copy .dev.vars.example to .dev.vars and fill it in (or run `npm start`, which needs none)",
      );
    }
    const port = portFrom("VEDETTE_PORT", 8787);
    await needPort(port, "VEDETTE_PORT");
    await setUp();
    const args = [
      packageProgram("wrangler"),
      "dev",
      "--ip",
      "127.0.0.1",
      "--port",
      String(port),
      ...process.argv.slice(2),
    ];
    await run(node(), args, { env: environment(), input: "inherit", failure: "wrangler dev failed" });
  },
  { stopped: "The Worker has stopped." },
);
