import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { toFault } from "@skep/fault";
import { kernelEvent, pointTo } from "@skep/kernel";
import { connect, homeTarget } from "../client/connect.ts";
import { openFold } from "../hive/fold.ts";
import type { Finding } from "../care/finding.ts";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
  for (let at = 0; at < 3; at += 1)
    await hive.skep(["echo", `{"spawn":"heartbeat","ticks":${at + 1}}`, "/queen/ctl"]);
  await hive.hive.storage.blobs.put(Buffer.from("honey"));
  await snapshot();
  await hive.skep(["echo", '{"spawn":"heartbeat","ticks":9}', "/queen/ctl"]);
});
after(() => hive[Symbol.asyncDispose]());

/** What the kernel does when a snapshot is due. */
async function snapshot(): Promise<void> {
  const { kernel, home, storage } = hive.hive;
  const seq = kernel.journal.durable;
  const fold = openFold(home, () => undefined);
  const { file, digest, code } = await fold.snapshot(seq);
  await fold.close();
  const root = Buffer.from(await kernel.journal.rootAt(seq)).toString("hex");
  const event = kernelEvent("snapshot@1", { seq, digest, root });
  const record = kernel.system("kernel", "/", { op: "snapshot" }, () => ({ events: [event] })) ?? 0;
  await kernel.settled();
  await pointTo(storage.files, { file, seq, digest, root, record, code });
}

/** What fsck says of a copy of the stopped home that was changed. */
async function examine(change: (home: string) => void) {
  await using copy = makeTestPlace();
  await cp(hive.home, copy.home, { recursive: true });
  change(copy.home);
  const { code, out } = await copy.skep(["fsck", "--json"]);
  const { findings } = JSON.parse(out) as { findings: readonly Finding[] };
  return { code, bad: findings.filter(({ state }) => state === "bad"), findings };
}

function flip(path: string, at = 0.5): void {
  const bytes = readFileSync(path);
  const index = Math.floor(bytes.length * at);
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function only(dir: string, suffix: string): string {
  const names = readdirSync(dir, { recursive: true }).map(String);
  const found = names.find((name) => name.endsWith(suffix));
  assert.ok(found, suffix);
  return join(dir, found);
}

test("a home in use cannot be examined", async () => {
  const { code, err } = await hive.skep(["fsck"]);
  assert.equal(code, 8);
  assert.match(err, /the hive is already up in it \(process \d+\)\n.*kill -TERM \d+/);
});

test("a sound home has nothing bad, and a person can read why", async () => {
  await hive.stop();
  const { code, bad, findings } = await examine(() => undefined);
  assert.deepEqual([code, bad], [0, []]);
  const about = (name: string) => findings.find((each) => each.about === name)?.state;
  assert.deepEqual(["keys", "journal", "records", "snapshot", "blobs", "index"].map(about), [
    "ok",
    "ok",
    "ok",
    "ok",
    "ok",
    "ok",
  ]);
  const { out } = await hive.skep(["fsck"]);
  assert.match(out, /^ok +records +\d+ records, root [0-9a-f]{64}$/m);
});

test("each kind of damage is found, named, and has its cure", async () => {
  const cases: readonly (readonly [string, (home: string) => void])[] = [
    ["journal", (home) => flip(only(join(home, "hive"), ".seg"))],
    ["snapshot", (home) => flip(only(join(home, "hive"), ".rows"))],
    [
      "index",
      (home) => writeFileSync(join(home, "index.sqlite"), "no database at all, but long enough to be read"),
    ],
    ["keys", (home) => writeFileSync(join(home, "keys", "log"), "short")],
  ];
  for (const [about, change] of cases) {
    const { code, bad } = await examine(change);
    assert.equal(code, 1, about);
    assert.equal(bad[0]?.about, about);
    assert.ok(bad[0]?.cure, about);
  }
});

const digest = createHash("sha256").update("honey").digest("hex");
const honeyIn = (home: string): string => join(home, "blobs", digest.slice(0, 2), digest.slice(2, 4), digest);

test("a damaged blob is named by its digest, and no line says that the blobs are well", async () => {
  const { code, bad, findings } = await examine((home) => flip(honeyIn(home)));
  assert.equal(code, 1);
  assert.match(bad[0]?.text ?? "", new RegExp(`^${digest} is damaged`));
  assert.match(bad[0]?.cure ?? "", /skep fsck --repair/);
  assert.equal(findings.filter(({ about }) => about === "blobs").length, 1);
});

test("a damaged blob refuses a backup by name; moved aside by --repair, its bytes are taken again", async () => {
  await using copy = makeTestPlace();
  await cp(hive.home, copy.home, { recursive: true });
  flip(honeyIn(copy.home));
  const file = join(copy.dir, "copy.tar");
  const refused = await copy.skep(["backup", file]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, new RegExp(`a blob is damaged: "${digest}"`));
  assert.deepEqual(
    readdirSync(copy.dir).filter((name) => name.startsWith("copy.tar")),
    [],
  );
  const { code, out } = await copy.skep(["fsck", "--repair"]);
  assert.equal(code, 0, out);
  assert.match(out, new RegExp(`note +blobs +${digest} was damaged and is now .*/damaged/${digest}`));
  assert.deepEqual(existsSync(honeyIn(copy.home)), false);
  assert.equal((await copy.skep(["backup", file])).code, 0);
  assert.equal((await copy.skep(["fsck"])).code, 0);
});

test("bytes that were stored once are taken again where the disk lost them, and else refused", async () => {
  await using up = await startTestHive();
  await using client = await connect(homeTarget(up.home, up.env));
  const store = async (): Promise<void> => {
    await using file = await client.open(`/cas/${digest}`, "write");
    await file.writeAll(Buffer.from("honey"), 0);
  };
  await store();
  await assert.rejects(store(), (error: unknown) => toFault(error).kind === "conflict");
  renameSync(honeyIn(up.home), join(up.dir, "lost"));
  await store();
  assert.equal(readFileSync(honeyIn(up.home), "utf8"), "honey");
  assert.equal((await client.readAll(`/cas/${digest}`)).toString(), "honey");
});

test("a record that was cut off is bad where the index knows it, and else no promise is made of it", async () => {
  const cut = (home: string): void => {
    rmSync(join(home, "hive", "journal", "end"));
    const path = only(join(home, "hive"), ".seg");
    truncateSync(path, statSync(path).size - 7);
  };
  const known = await examine(cut);
  assert.equal(known.code, 1);
  assert.match(known.bad[0]?.text ?? "", /^its end is missing: \d+ of at least \d+ records$/);
  const unknown = await examine((home) => {
    cut(home);
    rmSync(join(home, "index.sqlite"));
  });
  const torn = unknown.findings.find(({ text }) => text.includes("not whole"));
  assert.match(torn?.text ?? "", /may hold an acknowledged record if the daemon did not crash/);
});

test("who only reads a damaged journal is not told that something cannot start", async () => {
  await using copy = makeTestPlace();
  await cp(hive.home, copy.home, { recursive: true });
  flip(only(join(copy.home, "hive"), ".seg"));
  for (const words of [["fsck"], ["audit", "verify"]]) {
    const { code, out, err } = await copy.skep(words);
    assert.equal(code, 1);
    assert.match(out + err, /A segment of the journal is damaged/);
    assert.doesNotMatch(out + err, /Cannot start/);
    assert.match(out + err, /skep restore FILE --home NEW/);
  }
});
