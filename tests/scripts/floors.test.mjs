// The floors of docs/architecture.md: which room of `src/` may use which. What the crates may use, the compiler holds.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Rooms, the lowest floor first. A room may use those on lower floors, and on its own those that stand in `BESIDE`. */
const FLOORS = [
  ["ports", "reply"],
  ["config", "cache", "remember"],
  ["world", "crypto"],
  ["limits", "grants"],
  ["sessions", "accounts", "turns"],
  ["pages"],
  ["slack", "mcp", "oauth", "status"],
  ["router"],
  ["edge", "lib"],
];

/** Neighbours that may be used. */
const BESIDE = {
  ports: ["reply"],
  sessions: ["accounts"],
  accounts: ["sessions"],
  turns: ["accounts", "sessions"],
  status: ["mcp"],
};

/** Imports that go up today, file by file. One that is gone leaves this list, and none is added. */
const KNOWN = [
  "src/mcp/door.rs uses router",
  "src/pages/consent/problem.rs uses oauth",
  "src/pages/front.rs uses mcp",
  "src/turns/* uses slack",
];

function filesUnder(folder) {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(file) : file.endsWith(".rs") ? [file] : [];
  });
}

const roomOf = (file) => file.split("/")[1].replace(/\.rs$/, "");
const floorOf = (room) => FLOORS.findIndex((rooms) => rooms.includes(room));

/** Each use of another room outside tests: `{ file, line, room }`. */
function usesOf(file) {
  if (/(^|\/)(testing|tests)\.rs$/.test(file)) return [];
  const [shipped] = fs.readFileSync(path.join(root, file), "utf8").split("#[cfg(test)]\nmod tests");
  return shipped.split("\n").flatMap((text, at) => {
    if (text.trimStart().startsWith("//")) return [];
    const rooms = [...text.matchAll(/\bcrate::([a-z_]+)/g)].map(([, room]) => room).filter((room) => room !== roomOf(file));
    return rooms.map((room) => ({ file, line: at + 1, room }));
  });
}

const uses = filesUnder("src").flatMap(usesOf);
const known = ({ file, room }) => KNOWN.find((it) => it === `${file} uses ${room}` || it === `src/${roomOf(file)}/* uses ${room}`);

function isAllowed({ file, room }) {
  const [from, to] = [floorOf(roomOf(file)), floorOf(room)];
  return to < from || (to === from && (BESIDE[roomOf(file)] ?? []).includes(room));
}

test("every room has a floor", () => {
  for (const file of filesUnder("src")) assert.notEqual(floorOf(roomOf(file)), -1, `${file}: give ${roomOf(file)} a floor`);
});

test("no import goes up", () => {
  const wrong = uses.filter((use) => floorOf(use.room) >= 0 && !isAllowed(use) && !known(use));
  assert.deepEqual(wrong.map(({ file, line, room }) => `${file}:${line} uses ${room}`), []);
});

test("what is known to go up still does", () => {
  const gone = KNOWN.filter((it) => !uses.some((use) => known(use) === it));
  assert.deepEqual(gone, [], "take these off the list");
});

test("the Worker's platform is named in one room", () => {
  const named = filesUnder("src").filter((file) => /\bworker::/.test(fs.readFileSync(path.join(root, file), "utf8").replace(/\/\/.*/g, "")));
  assert.deepEqual(named.filter((file) => !/^src\/(edge\/|lib\.rs)/.test(file)), []);
});
