// `npm run bench`: every benchmark, or the one that is named first; what follows goes to it.
//
//     npm run bench                          all, with their defaults: about 7 minutes
//     npm run bench -- slack [--rate 20 …]   bench/acknowledge.mjs
//     npm run bench -- doors [--rounds 3 …]  bench/doors.mjs
//     npm run bench -- floor [--rounds 3 …]  bench/floor.mjs
//     npm run bench -- burst [--events …]    bench/burst.mjs
//     npm run bench -- memory [--calls …]    bench/memory.mjs

import path from "node:path";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const FILES = {
  slack: "acknowledge.mjs",
  doors: "doors.mjs",
  floor: "floor.mjs",
  burst: "burst.mjs",
  memory: "memory.mjs",
};
const here = path.dirname(fileURLToPath(import.meta.url));

const [name, ...rest] = process.argv.slice(2);
if (name !== undefined && !(name in FILES)) {
  console.error(`There is no benchmark ${JSON.stringify(name)}. There are: ${Object.keys(FILES).join(", ")}.`);
  process.exit(2);
}
for (const file of name === undefined ? Object.values(FILES) : [FILES[name]]) {
  const { status } = spawnSync(process.execPath, [path.join(here, file), ...rest], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
