import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect, homeTarget } from "../client/connect.ts";
import { applyUpdate, withSlots } from "./apply.ts";
import { pack } from "./pack.ts";
import { uploadUpdate } from "./remote.ts";
import { noise, startUpdatesHive } from "./testing.ts";

let hive: Awaited<ReturnType<typeof startUpdatesHive>>;
before(async () => {
  hive = await startUpdatesHive();
});
after(() => hive[Symbol.asyncDispose]());

const place = (...names: readonly string[]): string => join(hive.dir, ...names);

async function ask(...words: string[]) {
  const { code, out, err } = await hive.skep(["update", ...words, "--json"]);
  assert.equal(code, 0, err + out);
  return JSON.parse(out);
}

async function refused(...words: string[]) {
  const { code, err } = await hive.skep(["update", ...words]);
  return { code, err };
}

/** Packs and uploads a payload; gives what `skep` said. */
async function release(epoch: string, payload: Buffer, ...more: string[]) {
  writeFileSync(place(`payload-${epoch}`), payload);
  const words = ["--epoch", epoch, "--key", hive.keyFile, "--to", place(`release-${epoch}`), ...more];
  await ask("pack", place(`payload-${epoch}`), ...words);
  return ask("upload", place(`release-${epoch}`));
}

function machine(name: string, keys: readonly string[]): { to: string; owner: string } {
  const [to, owner] = [place(name, "slots"), place(name, "owner")];
  mkdirSync(to, { recursive: true, mode: 0o700 });
  mkdirSync(owner, { recursive: true, mode: 0o700 });
  if (keys.length > 0)
    writeFileSync(join(owner, "owner.toml"), `[updates]\nkeys = ${JSON.stringify(keys)}\n`);
  return { to, owner };
}

const payloadOf = (to: string): string => readFileSync(join(to, "current", "payload"), "utf8").slice(0, 40);

test("a release travels once, verifies here, and is applied only where the owner named its key", async () => {
  const one = noise(400_000, "one");
  assert.deepEqual(await release("1", one), { epoch: "1", state: "ready", sent: 400_000 });
  assert.equal((await ask("upload", place("release-1"))).sent, 0);
  assert.equal((await ask("verify", place("release-1"), "--key", hive.publicKey)).key, hive.publicKey);
  const stranger = machine("stranger", []);
  const words = (at: { to: string; owner: string }) => ["--to", at.to, "--worker-home", at.owner];
  const none = await refused("apply", "1", ...words(stranger));
  assert.deepEqual([none.code, none.err.includes("named no release key")], [4, true]);
  const other = machine("other", ["ab".repeat(32)]);
  assert.match((await refused("apply", "1", ...words(other))).err, /no release key that is named here/);
  const own = machine("own", [hive.publicKey]);
  assert.equal((await ask("apply", "1", ...words(own))).fetched, 400_000);
  assert.deepEqual(readFileSync(join(own.to, "current", "payload")), one);
  assert.match((await refused("apply", "1", ...words(own))).err, /not newer/);
});

test("what fails its health check goes back by itself, and rollback goes back on purpose", async () => {
  const at = machine("sick", [hive.publicKey]);
  const words = ["--to", at.to, "--worker-home", at.owner];
  await release("10", Buffer.from("ten ".repeat(5000)));
  await release("11", Buffer.from("eleven ".repeat(5000)));
  await ask("apply", "10", ...words, "--health", "/bin/true");
  const failed = await refused("apply", "11", ...words, "--health", "/bin/false");
  assert.deepEqual([failed.code, payloadOf(at.to).slice(0, 4)], [5, "ten "]);
  assert.match((await refused("rollback", "--to", at.to)).err, /no version before/);
  await ask("apply", "11", ...words, "--health", "/bin/true");
  assert.equal(payloadOf(at.to).slice(0, 7), "eleven ");
  assert.equal((await ask("rollback", "--to", at.to)).epoch, "10");
  assert.equal(payloadOf(at.to).slice(0, 4), "ten ");
});

test("a power cut at any step leaves one whole version, and the next command goes on", async () => {
  await release("20", Buffer.from("twenty ".repeat(20_000)));
  await release("21", Buffer.from("twenty-one ".repeat(20_000)));
  await using client = await connect(homeTarget(hive.home, hive.env));
  let steps = 0;
  for (let cutAt = 1; cutAt < 60; cutAt += 1) {
    const at = machine(`cut-${cutAt}`, [hive.publicKey]);
    const applying = { ...at, health: ["/bin/true"], timeout: 5000 };
    await applyUpdate(client, "20", applying);
    let seen = 0;
    const step = (): void => {
      seen += 1;
      if (seen === cutAt) throw new Error("power cut");
    };
    const cut = await applyUpdate(client, "21", { ...applying, step }).then(
      () => false,
      () => true,
    );
    if (!cut) {
      steps = cutAt - 1;
      break;
    }
    // Whatever it is, it is whole.
    const whole = readFileSync(join(at.to, "current", "payload"), "utf8");
    assert.ok(["twenty ".repeat(20_000), "twenty-one ".repeat(20_000)].includes(whole), `cut at ${cutAt}`);
    const runs = await withSlots(at.to, undefined, async (slots) => slots.manifest(slots.current)?.epoch);
    const now = readFileSync(join(at.to, "current", "payload"), "utf8");
    assert.equal(now, (runs === "20" ? "twenty " : "twenty-one ").repeat(20_000));
    if (runs === "20") await applyUpdate(client, "21", applying);
    assert.equal(payloadOf(at.to).slice(0, 11), "twenty-one ");
  }
  assert.ok(steps >= 9, `${steps} steps`);
});

test("the original's form goes through the same commands", async () => {
  const told = await release("100", Buffer.alloc(1280, 7), "--fixed");
  assert.deepEqual(told, { epoch: "100", state: "ready", sent: 128 });
  const odd = place("odd");
  writeFileSync(odd, "odd");
  const words = ["--epoch", "101", "--key", hive.keyFile, "--to", place("odd-out"), "--fixed"];
  assert.match((await refused("pack", odd, ...words)).err, /multiple of 128/);
});

test("an upload whose payload was changed after it was packed is refused, and verify says so", async () => {
  writeFileSync(place("p30"), noise(300_000, "thirty"));
  const packed = await pack(place("p30"), { epoch: "30", key: hive.key, to: place("r30"), fixed: false });
  const changed = noise(300_000, "thirty");
  changed[150_000] = (changed[150_000] ?? 0) ^ 1;
  writeFileSync(packed.payload, changed);
  await using client = await connect(homeTarget(hive.home, hive.env));
  await assert.rejects(uploadUpdate(client, packed, { sent: () => undefined }), { code: "update.payload" });
  assert.match((await refused("verify", place("r30"), "--key", hive.publicKey)).err, /payload is not what/);
});
