// The matrix of refusals with the real ssh-keygen as the signer.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createWorld, play, rows, type TestKey } from "./testing/matrix.ts";

const skip = spawnSync("ssh-keygen", ["-?"]).error
  ? "ssh-keygen is not installed (Debian package openssh-client)"
  : false;
const home = mkdtempSync(join(tmpdir(), "statement-judge-"));
after(() => rmSync(home, { recursive: true, force: true }));

function keygen(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("ssh-keygen", ["-q", ...args], { cwd: home, encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

const kinds = [
  ["-t", "ed25519"],
  ["-t", "ecdsa", "-b", "256"],
  ["-t", "ecdsa", "-b", "521"],
];
let made = 0;

function realKey(name: string): TestKey {
  keygen("-N", "", "-C", name, "-f", name, ...(kinds[made++ % kinds.length] ?? []));
  const [type = "", base64 = ""] = readFileSync(join(home, `${name}.pub`), "utf8").split(" ");
  return {
    pub: `${type} ${base64}`,
    sign: async (text, namespace) => {
      writeFileSync(join(home, "act"), text);
      rmSync(join(home, "act.sig"), { force: true });
      keygen("-Y", "sign", "-f", name, "-n", namespace, "act");
      return readFileSync(join(home, "act.sig"), "utf8");
    },
  };
}

test("each refusal, and each acceptance, with signatures by ssh-keygen", { skip }, async () => {
  const world = createWorld(realKey);
  for (const row of rows) assert.equal(await play(world, row), row.want, row.why);
});
