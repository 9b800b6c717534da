import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createSigner, jobIdOf, verifyManifest } from "@skep/receipt";
import { connect, homeTarget } from "../client/connect.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { heldContent, takeAll, upload } from "./blob.ts";
import { ask, manifestOf, submit } from "./submit.ts";

const signer = createSigner(Buffer.alloc(32, 7));
const now = 1_779_883_200_000;
const module = heldContent(Buffer.from("no module"));
const none = heldContent(Buffer.alloc(0));

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

async function* chunks(count: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at++) yield Buffer.alloc(bytes, at);
}

for (const count of [0, 1, 3, 40])
  test(`input of ${count} chunks is taken to its end, kept or spilled, and can be read again`, async () => {
    const whole = Buffer.concat(Array.from({ length: count }, (_, at) => Buffer.alloc(1000, at)));
    await using content = await takeAll(chunks(count, 1000), 3000);
    assert.equal(content.bytes, whole.length);
    assert.equal(content.digest, createHash("sha256").update(whole).digest("hex"));
    assert.equal(content.held !== undefined, count <= 3);
    for (const size of [700, 100_000]) {
      const again: Buffer[] = [];
      for await (const piece of content.pieces(size)) again.push(Buffer.from(piece));
      assert.ok(Buffer.concat(again).equals(whole));
    }
  });

test("a manifest carries what is to run, verifies, and no two are the same", () => {
  const wish = {
    args: ["a"],
    env: { B: "secret:c" },
    wallMs: 1000,
    memoryBytes: 65_536,
    fuel: 5,
    fresh: true,
  };
  const stdin = heldContent(Buffer.from("in"));
  const { manifest, jobId } = manifestOf(signer, module.digest, stdin, wish, now);
  const against = { signers: [signer.publicKey], now: BigInt(now) * 1_000_000n };
  assert.equal(verifyManifest(manifest, against).ok, true);
  assert.equal(jobIdOf(manifest), jobId);
  assert.ok(manifest.payload.kind === "wasm");
  assert.equal(manifest.payload.max_duration_ms, 1000);
  const { nonce, ...details } = JSON.parse(Buffer.from(manifest.payload.input).toString());
  assert.match(nonce, /^[\w-]{12}$/);
  assert.deepEqual(details, {
    args: ["a"],
    env: { B: "secret:c" },
    stdin: stdin.digest,
    limits: { fuel: "5" },
    grade: "fresh",
  });
  assert.notEqual(manifestOf(signer, module.digest, stdin, wish, now).jobId, jobId);
  const later = { ...against, now: against.now + 600_000_000_000n };
  assert.equal((verifyManifest(manifest, later) as { failed?: string }).failed, "expired");
});

test("a refusal of the hive is thrown as what the hive told", async () => {
  await using client = await connect(homeTarget(hive.home));
  await assert.rejects(ask(client, "/jobs/ctl", { op: "cancel", job: "99" }), {
    code: "jobs.unknown",
    kind: "absent",
  });
  await assert.rejects(ask(client, "/jobs/ctl", { op: "nothing" }), { kind: "invalid" });
});

test("a module is stored only when the hive lacks it, and long input before it is named", async () => {
  await using client = await connect(homeTarget(hive.home));
  const sent: number[] = [];
  const hand = (stdin: typeof none) =>
    submit({
      client,
      signer,
      module,
      stdin,
      wish: { args: [], env: {} },
      now: Date.now(),
      sent: (bytes) => sent.push(bytes),
    });
  await hand(none);
  await hand(heldContent(Buffer.alloc(6 * 1024, 1)));
  assert.deepEqual(sent, [module.bytes]);
  const { job } = await hand(heldContent(Buffer.alloc(6 * 1024 + 1, 1)));
  assert.deepEqual(sent, [module.bytes, 6 * 1024 + 1]);
  assert.equal((await client.readAll(`/jobs/${job}/stdin`)).length, 6 * 1024 + 1);
  await upload(client, module);
});

test("more arguments than a line takes are refused before anything is sent", async () => {
  await using client = await connect(homeTarget(hive.home));
  const wish = { args: ["x".repeat(4096)], env: {} };
  await assert.rejects(submit({ client, signer, module, stdin: none, wish, now }), { code: "run.oversize" });
});

test("run names what is wrong before a job is made, with 125", async () => {
  const absent = await hive.skep(["run", join(hive.dir, "none.wasm")]);
  assert.equal(absent.code, 125);
  assert.match(absent.err, /Cannot read the module ".*none\.wasm": no such file/);
  assert.match((await hive.skep(["run", hive.dir])).err, /Cannot read the module ".*": it is a directory/);
  const source = join(hive.dir, "a.c");
  writeFileSync(source, "int main() { return 0; }");
  assert.match((await hive.skep(["run", source])).err, /no WebAssembly module: ".*a\.c"/);
  const env = await hive.skep(["run", "--env", "no value", "x.wasm"]);
  assert.deepEqual([env.code, env.out], [125, ""]);
  assert.ok(!env.err.includes("no value="));
});

test("a detached job waits while there is no worker, and can be canceled", async () => {
  const file = join(hive.dir, "module.wasm");
  writeFileSync(file, "\0asm, and no module");
  const job = (await hive.skep(["run", "--detach", file])).out.trim();
  const told = await hive.skep(["jobs", job]);
  assert.match(told.out, /^why +waiting: no worker is present/m);
  assert.equal((await hive.skep(["cancel", "--json", job])).out, `{"job":"${job}","canceled":true}\n`);
  assert.match((await hive.skep(["jobs", job])).out, /^state +canceled$/m);
});

test("a job is told what it has where that is less than it asked for, and 0 is refused", async () => {
  const file = join(hive.dir, "module.wasm");
  writeFileSync(file, "\0asm, and no module");
  const asked = ["--time", "10h", "--memory", "100GiB"];
  const told = await hive.skep(["run", "--detach", ...asked, file]);
  assert.match(told.err, /--time 10 h.* has 5 m/);
  assert.match(told.err, /--memory 100 GiB.* has 256 MiB/);
  const quiet = await hive.skep(["run", "--quiet", "--detach", ...asked, file]);
  assert.deepEqual([quiet.code, quiet.err], [0, ""]);
  assert.equal((await hive.skep(["run", "--detach", "--time", "5m", file])).err, "");
  const none = await hive.skep(["run", "--time", "0s", file]);
  assert.deepEqual([none.code, none.out], [125, ""]);
});

test("a listing of jobs says what it leaves out", async () => {
  const one = await hive.skep(["jobs", "-n", "1"]);
  assert.match(one.err, /\d+ more are listed/);
  assert.equal((await hive.skep(["jobs", "-n", "1000"])).err, "");
  assert.equal((await hive.skep(["jobs", "-n", "0"])).code, 2);
});

test("verify wants one key and one only", async () => {
  const file = join(hive.dir, "receipt.json");
  writeFileSync(file, "{}");
  assert.equal((await hive.skep(["verify", file])).code, 2);
  const malformed = await hive.skep(["verify", "--json", file, "--key", signer.publicKey]);
  assert.equal(malformed.code, 1);
  assert.equal(JSON.parse(malformed.out).failed, "malformed");
  assert.equal((await hive.skep(["verify", join(hive.dir, "none"), "--key", signer.publicKey])).code, 3);
});

test("verify says of what is no receipt that it is none, and names a worker that is not there", async () => {
  const file = join(hive.dir, "half.json");
  for (const text of ["root:x:0:0", '{"result":{"metr', "null", "{}"]) {
    writeFileSync(file, text);
    const { code, err } = await hive.skep(["verify", file]);
    assert.equal(code, 2);
    assert.match(err, /it is no receipt: ".*half\.json"/);
  }
  const keyed = await hive.skep(["verify", file, "--key", signer.publicKey]);
  assert.match(keyed.out, /^does not verify: it is no receipt/);
  writeFileSync(file, '{"result":{}}');
  const nobody = await hive.skep(["verify", file, "--worker", "w-nope"]);
  assert.deepEqual([nobody.code, /Cannot find worker: "w-nope"/.test(nobody.err)], [3, true], nobody.err);
});

test("a job that is not there is called by its number, and one that has ended cannot be canceled", async () => {
  const absent = await hive.skep(["jobs", "9999"]);
  assert.deepEqual([absent.code, /Cannot find job: "9999"/.test(absent.err)], [3, true], absent.err);
  const file = join(hive.dir, "ended.wasm");
  writeFileSync(file, "\0asm, and no module");
  const job = (await hive.skep(["run", "--detach", file])).out.trim();
  await hive.skep(["cancel", job]);
  assert.match((await hive.skep(["cancel", job])).err, /Cannot cancel a job that has ended/);
});
