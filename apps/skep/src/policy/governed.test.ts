import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTestPlace, startTestHive } from "../testing/hive.ts";
import { createCosignatureVerifier, createVerifier, printVkey } from "@skep/tlog";

const days = (count: number): number => count * 86_400_000;

function key(): string {
  const { x = "" } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const type = Buffer.from("ssh-ed25519");
  const part = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([part(type), part(Buffer.from(x, "base64url"))]).toString("base64")}`;
}

const signers = {
  op: "signers",
  allowed: `ann,owner ${key()}\nbob ${key()}\n`,
  roles: "ann operational\nbob operational\n",
};
const kept = { op: "retention", outputs_age_ms: 1000, outputs_size: 5, ended_jobs_age_ms: 2000 };
const read = async (place: Awaited<ReturnType<typeof startTestHive>>, path: string): Promise<string> =>
  Buffer.from(await place.hive.owner.read(path)).toString();
const logged = async (place: Awaited<ReturnType<typeof startTestHive>>): Promise<string> =>
  (await place.skep(["cat", "/kmesg"])).out;

test("the configuration gives retention its first values, and none later", async (t) => {
  const place = makeTestPlace();
  t.after(() => place[Symbol.asyncDispose]());
  const first = await startTestHive(place, { SKEP_RETENTION_OUTPUTS_AGE: "7d" });
  assert.match(await read(first, "/policy/retention"), /^outputs_age_ms=604800000\n/);
  await first.stop();
  const again = await startTestHive(place, { SKEP_RETENTION_OUTPUTS_AGE: "1h" });
  t.after(() => again.stop());
  assert.match(await read(again, "/policy/retention"), /^outputs_age_ms=604800000\n/);
  assert.match(await logged(again), /retention of the configuration is not in force/);
  const { out } = await again.skep(["policy", "retention", "--outputs-age", "2d"]);
  assert.match(out, /^Outputs are kept 2 d/);
  assert.match(
    await read(again, "/policy/retention"),
    new RegExp(`^outputs_age_ms=${days(2)}\n(.*\n)*by=owner`),
  );
  await again.stop();
});

test("once two can sign, retention and witnesses wait for the other one's signature", async () => {
  await using place = await startTestHive();
  const { owner } = place.hive;
  assert.equal((await owner.append("/policy/ctl", signers)).verdict, "ok");
  const asked = await owner.append("/policy/ctl", kept);
  assert.equal(asked.verdict, "waiting");
  assert.match(
    await read(place, `/actions/${asked.id}/statement`),
    /parameters\.outputs_size: 5|outputs_size/,
  );
  const witnesses = await owner.append("/policy/ctl", { op: "witnesses", policy: "" });
  assert.equal(witnesses.verdict, "waiting");
  assert.match(await read(place, "/policy/retention"), /^outputs_age_ms=2592000000\n/);
});

test("audit.witnesses is the first value only while there is neither rule nor signer", async () => {
  const place = makeTestPlace();
  const first = await startTestHive(place);
  const { keys, owner } = first.hive;
  await owner.append("/policy/ctl", signers);
  await first.stop();
  const own = createVerifier(keys.origin, Buffer.from(keys.log.publicKey, "hex"));
  const other = printVkey(createCosignatureVerifier("w.invalid/a", Buffer.from(keys.log.publicKey, "hex")));
  const file = join(place.dir, "witnesses");
  writeFileSync(file, `log ${printVkey(own)}\nwitness a ${other} http://127.0.0.1:1/\nquorum a\n`);
  await using later = await startTestHive(place, { SKEP_AUDIT_WITNESSES: file });
  assert.equal(await read(later, "/policy/witnesses"), "");
  assert.match(await logged(later), /audit\.witnesses of the configuration is not in force/);
});

test("a policy of witnesses that cannot be used is refused with its cure", async () => {
  await using place = await startTestHive();
  const { owner } = place.hive;
  const refused = await owner.append("/policy/ctl", { op: "witnesses", policy: "quorum nobody\n" });
  assert.equal(refused.verdict === "refused" && refused.code, "governed.witnesses");
});
