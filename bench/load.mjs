// Load on one HTTP server: so many connections, each kept open, each sending its next request when it has the last answer.

import fs from "node:fs";
import http from "node:http";

/** The processor time of a process so far, of all its threads, in milliseconds; `undefined` where there is no /proc. */
export function cpuOf(pid) {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10; // utime and stime, in ticks of 1/100 s
  } catch {
    return undefined;
  }
}

/** The workerd that this process started; `undefined` where there is no /proc. */
export function workerdChild() {
  if (!fs.existsSync("/proc/self/task")) return undefined;
  for (const task of fs.readdirSync("/proc/self/task")) {
    const children = fs.readFileSync(`/proc/self/task/${task}/children`, "utf8").split(" ").filter(Boolean);
    const found = children.find((pid) => fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "workerd");
    if (found) return Number(found);
  }
  return undefined;
}

function exchange(agent, origin, { method = "GET", path, headers, body }) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const request = http.request(origin, { agent, method, path, headers: { ...headers, ...length } }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/**
 * Loads `origin` for `seconds`, or until there were `most` requests, with one connection for each of `askers`:
 * `{ next(): request, took?(body) }`; a request may name the `status` that it is to have. Gives the requests a second, the
 * sorted times in milliseconds, and the processor milliseconds of `pid` for each request. An answer with another status
 * ends it.
 *
 * @param {{ origin: string, askers: any[], seconds: number, most?: number, status?: number, pid?: number }} options
 */
export async function load({ origin, askers, seconds, most = Infinity, status = 200, pid }) {
  const times = [];
  const agents = askers.map(() => new http.Agent({ keepAlive: true, maxSockets: 1 }));
  const cpu = cpuOf(pid);
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(
    askers.map(async (asker, index) => {
      while (performance.now() < end && times.length < most) {
        const sent = performance.now();
        const { status: wanted = status, ...request } = asker.next();
        const answer = await exchange(agents[index], origin, request);
        times.push(performance.now() - sent);
        if (answer.status !== wanted) {
          throw new Error(`${answer.status} instead of ${wanted}: ${answer.body.toString().slice(0, 500)}`);
        }
        asker.took?.(answer.body);
      }
    }),
  ).finally(() => agents.forEach((agent) => agent.destroy()));
  const took = performance.now() - start;
  times.sort((a, b) => a - b);
  return {
    rate: (times.length * 1000) / took,
    times,
    cpu: cpu === undefined ? undefined : (cpuOf(pid) - cpu) / times.length,
  };
}

/** The value below which `part` of a sorted list is. */
export const at = (sorted, part) =>
  sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))];
