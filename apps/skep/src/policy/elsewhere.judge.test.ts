import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";

const skip = spawnSync("ssh-keygen", ["-?"]).error
  ? "ssh-keygen is not installed (apt: openssh-client)"
  : false;

test("a statement is exported, signed by ssh-keygen and by the program without a hive, and brought back", {
  skip,
}, async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const { skep, dir } = place;
  const at = (name: string): string => join(dir, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f", at("bob")]);
  const { owner } = place.hive;
  const rule = `@id("default") permit (principal, action, resource);
@id("two") @approvals("1") forbid (principal, action == Action::"spawn", resource);`;
  await owner.append("/policy/ctl", { op: "apply", files: { "a.cedar": rule } });
  const allowed = `bob ${readFileSync(at("bob.pub"), "utf8")}`;
  await owner.append("/policy/ctl", { op: "signers", allowed, roles: "bob operational\n" });
  const ask = async (ticks: number): Promise<string> =>
    String((await owner.append("/queen/ctl", { spawn: "heartbeat", ticks })).id);

  const first = await ask(1);
  assert.equal((await skep(["action", "export", first, at("first")])).code, 0);
  assert.equal((await skep(["action", "import", at("first")])).code, 3);
  const sign = ["-q", "-Y", "sign", "-n", "skep-statement@v1", "-f", at("bob"), at("first")];
  execFileSync("ssh-keygen", sign, { stdio: "ignore" });
  assert.equal(
    (await skep(["action", "import", at("first")])).out,
    `Approved ${first} as bob: it runs now\n`,
  );

  const second = await ask(2);
  const exported = await skep(["action", "export", second, "-"]);
  writeFileSync(at("second"), exported.out);
  const offline = ["--home", at("nothing")];
  const signed = await skep(["action", "sign", at("second"), "--key", at("bob"), "--yes", ...offline]);
  assert.match(signed.out, /^skep-statement v1\nact: queen\.spawn\n/);
  writeFileSync(at("other"), exported.out.replace("parameter.ticks: 2", "parameter.ticks: 3"));
  assert.match(
    (await skep(["action", "import", at("other"), "--signature", at("second.sig")])).err,
    /it is for other parameters/,
  );
  assert.equal((await skep(["action", "import", at("second")])).code, 0);
  writeFileSync(at("none"), exported.out.replace("\nact:", "\nACT:"));
  assert.equal((await skep(["action", "sign", at("none"), "--yes", ...offline])).code, 2);
});
