// How soon Slack is told that a request was taken, while Sentry and Slack's own API answer nothing at all:
//
//     npm run bench -- slack [--rate 20 --seconds 30]
//
// It starts the sandbox and the Worker, makes every call of the Worker hang, and sends signed events: each from another
// person, so that each wakes a Durable Object of its own, with every fifth event from somebody who asked before. Each is
// sent when its time has come, whether or not those before it were answered. It fails only when an answer is not 200.

import http from "node:http";
import os from "node:os";
import { parseArgs } from "node:util";
import { startWorld } from "../tests/browser/world.mjs";
import { at } from "./load.mjs";
import { mention, pause, send } from "./slack.mjs";

const { values } = parseArgs({
  options: { rate: { type: "string", default: "20" }, seconds: { type: "string", default: "30" } },
});
const rate = Number(values.rate);
const count = rate * Number(values.seconds);
/** What is sent before the measurement, so that it measures the Worker and not its first compilation. */
const WARM_UP = 10;

const agent = new http.Agent({ keepAlive: true });

function event(number, run) {
  const asker = number % 5 === 4 ? number - 4 : number;
  return mention({ user: `U0${run}${String(asker).padStart(6, "0")}`, number, run }).body;
}

const world = await startWorld();
let failed;
try {
  for (const side of ["sentry", "slack"]) {
    await world.control("faults", { side, match: "*", kind: "hang", after_work: false, times: null });
  }
  for (let number = 0; number < WARM_UP; number += 1) await send(world.worker, agent, event(number, "W"));

  const start = performance.now();
  const answers = [];
  for (let number = 0; number < count; number += 1) {
    await pause(start + (number * 1000) / rate - performance.now());
    answers.push(send(world.worker, agent, event(number, "B")));
  }
  const results = await Promise.all(answers);
  const good = results.filter(({ status }) => status === 200);
  failed = results.length - good.length;
  const times = good.map(({ ms }) => ms).sort((a, b) => a - b);
  const { slack } = await world.state();
  const ms = (number) => (number === undefined ? "–" : `${number.toFixed(0)} ms`);
  const took = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    `${os.cpus().length} cores, Node ${process.version}; ${count} events in ${took} s, ${rate} a second; ${slack.calls} calls to Slack hang\n`,
  );
  console.log("| | p50 | p90 | p99 | max | not 200 |\n|---|---|---|---|---|---|");
  console.log(
    `| time to the 200 | ${ms(at(times, 0.5))} | ${ms(at(times, 0.9))} | ${ms(at(times, 0.99))} | ${ms(times.at(-1))} | ${failed} |`,
  );
  if (failed) {
    console.log(
      `\n${JSON.stringify(
        Object.groupBy(
          results.filter(({ status }) => status !== 200).map(({ status }) => String(status)),
          (status) => status,
        ),
        null,
        1,
      )}\n${world.logs().slice(-4000)}`,
    );
  }
} finally {
  agent.destroy();
  await world.stop();
}
process.exitCode = failed ? 1 : 0;
