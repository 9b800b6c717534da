import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { kernelEvent, pointTo } from "@skep/kernel";
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
  assert.match(err, /Cannot lock home/);
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

test("a damaged blob is named by its digest", async () => {
  const name = createHash("sha256").update("honey").digest("hex");
  const { code, bad } = await examine((home) =>
    flip(join(home, "blobs", name.slice(0, 2), name.slice(2, 4), name)),
  );
  assert.equal(code, 1);
  assert.match(bad[0]?.text ?? "", new RegExp(`^${name} is damaged`));
});
