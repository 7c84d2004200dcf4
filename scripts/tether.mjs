// node scripts/tether.mjs PROGRAM ARGUMENT…
//
// Runs a program that must not outlive the process that started this one, whatever ends that process: when standard
// input closes, the whole process group is ended. `start.mjs` starts this as the leader of a group of its own.

import { spawn } from "node:child_process";

const [program, ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });

child.once("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
child.once("exit", (code, signal) => {
  group("SIGTERM"); // what it left behind
  process.exit(signal ? 1 : code);
});

const group = (signal) => process.kill(-process.pid, signal);
process.on("SIGTERM", () => {}); // the group got it too: the child's end is this one's
process.on("SIGINT", () => {});

process.stdin.resume().once("close", () => {
  group("SIGTERM");
  setTimeout(() => group("SIGKILL"), 3000);
});
