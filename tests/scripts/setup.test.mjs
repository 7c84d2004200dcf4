// What set-up says on a machine that lacks something: one sentence, before anything is installed or built. The scripts run in
// a folder of their own, where no package is installed, with a PATH that has nothing but what the test puts there.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vedette-setup-"));
after(() => fs.rmSync(folder, { recursive: true }));
for (const name of ["scripts", "package.json", "package-lock.json", "Cargo.lock"]) {
  fs.cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
}

/** `npm start` looks first whether its ports are free. */
const ports = {};
for (const name of ["VEDETTE_PORT", "VEDETTE_PAGE_PORT", "VEDETTE_SENTRY_PORT"]) {
  const probe = net.createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  ports[name] = String(probe.address().port);
  await new Promise((resolve) => probe.close(resolve));
}

/** Runs a script on a machine with these programs, which answer with these words. */
function onMachineWith(programs, script, args, { node } = {}) {
  const bin = fs.mkdtempSync(path.join(folder, "bin-"));
  for (const [name, words] of Object.entries(programs)) {
    fs.writeFileSync(path.join(bin, name), `#!/bin/sh\necho '${words}'\n`, { mode: 0o755 });
  }
  const env = { PATH: bin, HOME: bin, CI: "true", ...ports };
  // Another Node, as far as a script can see.
  const pretend = node ? ["--import", `data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"${node}"}})`] : [];
  const { status, stderr } = spawnSync(process.execPath, [...pretend, path.join(folder, "scripts", script), ...args], { env, encoding: "utf8" });
  assert.equal(status, 1, stderr);
  assert.ok(!fs.existsSync(path.join(folder, "node_modules")), "nothing was installed");
  return stderr.trim();
}

// macOS needs no OpenSSL, and its Chrome is on no PATH.
const skip = process.platform !== "linux" && "the sentence differs there";

test("all that the system lacks is named in one sentence", { skip }, () => {
  assert.equal(
    onMachineWith({ npm: "11.6.0" }, "setup.mjs", ["--chromium", "--python"]),
    "Error: install these and run this again: a C compiler (`cc`); pkg-config and the headers of OpenSSL; " +
      "Python 3.11 or newer with its venv module; Chromium (or a Chrome that the variable CHROME names)",
  );
});

test("what is not needed for the work at hand is not named", { skip }, () => {
  const said = onMachineWith({ npm: "11.6.0", cc: "" }, "setup.mjs", []);
  assert.equal(said, "Error: install these and run this again: pkg-config and the headers of OpenSSL");
});

for (const script of ["start.mjs", "test.mjs", "build.mjs"]) {
  test(`${script} says that Debian 12's own Node and npm are too old`, () => {
    const newer = "install Node 20 or newer with npm 10 or newer from https://nodejs.org";
    assert.equal(onMachineWith({ npm: "9.2.0" }, script, [], { node: "18.20.4" }), `Error: Node 18.20.4 is too old: ${newer}`);
    assert.equal(onMachineWith({ npm: "9.2.0" }, script, []), `Error: npm 9.2.0 is too old: ${newer}`);
    assert.equal(onMachineWith({}, script, []), `Error: npm is missing: ${newer}`);
  });
}
