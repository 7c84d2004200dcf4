// Many Slack events at once: how soon each is acknowledged, and whether none is lost:
//
//     npm run bench -- burst [--events 2000] [--persons 2000,200,1] [--rounds 1] [--front]
//
// For each number of persons it starts a sandbox and a Worker with empty storage, and sends all events before the first answer
// is awaited. The deployment is headless, so that everybody can be answered. Afterwards each event must have been acknowledged,
// and have exactly one answer in its thread; only of a person who has more than an inbox of unfinished requests may some have
// none, and then they were told that it is full. Anything else is said and fails.
//
// - `--front` puts Miniflare's own Worker in front, as `npm start` has it. Without it the port is the Worker's own.
// - With `TMPDIR=/dev/shm` the Worker keeps its state in memory.

import http from "node:http";
import os from "node:os";
import { parseArgs } from "node:util";
import { startWorld } from "../tests/browser/world.mjs";
import { at, cpuOf } from "./load.mjs";
import { mention, pause, send } from "./slack.mjs";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "2000" },
    persons: { type: "string", default: "2000,200,1" },
    rounds: { type: "string", default: "1" },
    front: { type: "boolean", default: false },
  },
});
const count = Number(values.events);
/** As many unfinished requests one person may have: `INBOX` in src/turns/store.rs. */
const INBOX = 20;
const OPERATOR_TOKEN = "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";
const BOT = "U0VEDETTE";
/** How long nothing may happen before what has no answer counts as lost. */
const PATIENCE_MS = 90_000;

/** What the bot has said: the public messages by thread, and whether somebody was told that their inbox is full. */
async function said(world) {
  const { messages } = await world.state();
  const bots = messages.filter(({ author, deleted }) => author === BOT && !deleted);
  const open = bots.filter(({ private_to }) => !private_to);
  return {
    threads: Map.groupBy(open, ({ thread_ts }) => thread_ts),
    answers: open.filter((message) => JSON.stringify(message.blocks).includes("CHECKOUT-API-")).length,
    toldFull: bots.some((message) => message.private_to && JSON.stringify(message).includes("requests waiting")),
  };
}

/** Waits until all is answered that will be. */
async function settled(world, expected) {
  let last = { answers: -1, at: performance.now() };
  for (;;) {
    const now = await said(world);
    if (now.answers !== last.answers) last = { answers: now.answers, at: performance.now() };
    if (now.answers >= expected || performance.now() - last.at > PATIENCE_MS) return { ...now, at: last.at };
    await pause(500);
  }
}

/** Waits until no further answer has come for a while, and the person was told. */
async function quiet(world, last) {
  for (const since = performance.now(); ;) {
    await pause(10_000);
    const now = await said(world);
    const more = now.answers > last.answers;
    last = { ...now, at: more ? performance.now() : last.at };
    if (!more && (now.toldFull || performance.now() - since > PATIENCE_MS)) return last;
  }
}

async function burst(persons) {
  const world = await startWorld({
    vars: { SENTRY_AUTH_TOKEN: OPERATOR_TOKEN },
    workerArguments: values.front ? [] : ["--direct"],
    sandboxArguments: ["--requests-per-second", "1000000"],
  });
  const agent = new http.Agent({ keepAlive: false });
  try {
    // The first events measure V8's compilation.
    const warm = Array.from({ length: 50 }, (_, number) => mention({ user: `U0WARM${number}`, number, run: "W" }));
    for (const { body } of warm) await send(world.worker, agent, body);
    await settled(world, warm.length);

    // Only somebody whom the sandbox knows can be told something privately.
    const user = (number) => (persons === 1 ? "U0ADA" : `U0B${String(number % persons).padStart(6, "0")}`);
    const events = Array.from({ length: count }, (_, number) =>
      mention({ user: user(number), number: 1000 + number, run: "B" }),
    );
    const cpu = cpuOf(world.workerdPid());
    const start = performance.now();
    const answers = await Promise.all(events.map(({ body }) => send(world.worker, agent, body)));
    const acknowledged = performance.now() - start;
    const busy = cpuOf(world.workerdPid()) - cpu;
    const mayBeRefused = count / persons > INBOX;
    const least = warm.length + (mayBeRefused ? INBOX * persons : count);
    let end = await settled(world, least);
    // Who was told early that the inbox is full may have found room with a later one.
    if (mayBeRefused) end = await quiet(world, end);

    const of = ({ ts }) => end.threads.get(ts) ?? [];
    const good = answers.filter(({ status }) => status === 200);
    const answered = events.filter((event) =>
      of(event).some((message) => JSON.stringify(message.blocks).includes("CHECKOUT-API-")),
    ).length;
    const silent = events.filter((event) => of(event).length === 0).length;
    const faults = [
      [answers.length - good.length, "events were not acknowledged"],
      [events.filter((event) => of(event).length > 1).length, "events have more than one answer"],
      [count - answered - silent, "events have an answer that is not theirs, or only its beginning"],
      [mayBeRefused ? 0 : silent, "events have no answer"],
      [mayBeRefused && answered < INBOX ? INBOX - answered : 0, "events are missing of the inbox"],
      [mayBeRefused && silent > 0 && !end.toldFull ? silent : 0, "events were refused, and their person was not told"],
    ].filter(([number]) => Number(number) > 0);
    const times = good.map(({ ms }) => ms).sort((a, b) => a - b);
    return {
      times,
      acknowledged,
      busy,
      answered,
      refused: silent,
      answeredAfter: end.at - start,
      faults,
      logs: world.logs,
    };
  } finally {
    agent.destroy();
    await world.stop();
  }
}

const load = os.loadavg()[0].toFixed(1);
console.log(
  `${os.cpus().length} cores, Node ${process.version}, load ${load} before; ${count} events at once, state in ${os.tmpdir()}${values.front ? ", Miniflare's Worker in front" : ""}\n`,
);
console.log(
  "| persons | 200 after: p50 | p95 | longest | CPU ms an event until then | answered | told that the inbox is full | all answered after |",
);
console.log("|---|---|---|---|---|---|---|---|");
const ms = (number) => `${Math.round(number)} ms`;
for (const persons of values.persons.split(",").map(Number)) {
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const { times, busy, answered, refused, answeredAfter, faults, logs } = await burst(persons);
    console.log(
      `| ${persons} | ${ms(at(times, 0.5))} | ${ms(at(times, 0.95))} | ${ms(times.at(-1))} | ${(busy / count).toFixed(2)} | ${answered} | ${refused} | ${(answeredAfter / 1000).toFixed(1)} s |`,
    );
    if (faults.length === 0) continue;
    process.exitCode = 1;
    for (const [number, what] of faults) console.error(`Of ${count} events of ${persons} persons: ${number} ${what}.`);
    console.error(logs().slice(-4000));
  }
}
