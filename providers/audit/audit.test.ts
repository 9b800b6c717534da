import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRecord, encodeRecord, fullAuthority, type Kernel, type Session } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive, toyProvider } from "@skep/testing";
import {
  createSigner,
  createVerifier,
  decodeBundle,
  ed25519PublicKey,
  leafHash,
  openCheckpoint,
  proveConsistency,
  rootFromTiles,
  tilePath,
  verifyConsistency,
  verifyTlogProof,
} from "@skep/tlog";
import { auditProvider, replayProvider } from "./mod.ts";
import { AuditLog } from "./src/log.ts";

const origin = "hive.example/log";
const seed = Buffer.alloc(32, 7);
const signer = createSigner(origin, seed);
const trust = { logs: [createVerifier(origin, ed25519PublicKey(seed))] };

async function hive(files = recordingFiles()) {
  let kernel: Kernel | undefined;
  const live = (): Kernel => kernel ?? assert.fail("not open yet");
  const audit = auditProvider({ journal: () => live().journal, signer });
  const clock = simulatedClock();
  kernel = await toyHive({ files, clock, providers: [audit, toyProvider()] });
  return { files, clock, kernel, owner: kernel.attach(fullAuthority("owner"), "test") };
}

const bytes = (session: Session, path: string): Promise<Uint8Array> => session.read(path);
const text = async (session: Session, path: string) => Buffer.from(await bytes(session, path)).toString();
const json = async (session: Session, path: string) =>
  (await text(session, path))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const hum = async (session: Session, times: number): Promise<void> => {
  const ctl = await session.open(await session.find("/comb/ctl"), { read: false, write: true });
  await ctl.write(0, Buffer.from('{"op":"hum","text":"m"}\n'.repeat(times)));
};

test("a stranger checks the log with the public key and the files alone", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  await hum(owner, 600);
  const { checkpoint } = openCheckpoint(await text(owner, "/audit/checkpoint"), trust);
  assert.deepEqual([checkpoint.origin, checkpoint.size], [origin, 601]);
  const read = (level: number, index: number, width: number) =>
    bytes(owner, `/audit/${tilePath({ level, index, width })}`);
  assert.deepEqual(Buffer.from(await rootFromTiles(601, read)), Buffer.from(checkpoint.root));
  const hashes = [await read(0, 0, 256), await read(0, 1, 256), await read(0, 2, 89)];
  const bundles = ["000", "001", "002.p/89"].map((at) => bytes(owner, `/audit/tile/entries/${at}`));
  const entries = (await Promise.all(bundles)).flatMap((bundle) => decodeBundle(bundle));
  assert.deepEqual(Buffer.concat(entries.map(leafHash)), Buffer.concat(hashes));
  assert.deepEqual(
    entries.map((entry) => decodeRecord(entry).seq),
    Array.from({ length: 601 }, (_, seq) => seq),
  );
});

test("the proof of each record verifies against its signed checkpoint, and for no other record", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  await hum(owner, 300);
  for (const seq of [0, 255, 256, 300]) {
    const proof = await text(owner, `/audit/proof/${seq}`);
    const leaf = leafHash(encodeRecord(await kernel.journal.record(seq)));
    assert.equal(verifyTlogProof(proof, leaf, trust).checkpoint.size, 301);
    const other = leafHash(encodeRecord(await kernel.journal.record(seq === 7 ? 8 : 7)));
    assert.throws(() => verifyTlogProof(proof, other, trust));
  }
  for (const name of ["301", "00", "-1", "x", "1e2"])
    await assert.rejects(() => owner.find(`/audit/proof/${name}`), { kind: "absent" }, name);
});

test("a later checkpoint is consistent with an earlier one, a restart between them", async () => {
  const first = await hive();
  await hum(first.owner, 10);
  const before = openCheckpoint(await text(first.owner, "/audit/checkpoint"), trust).checkpoint;
  await first.kernel.close();
  const { kernel, owner } = await hive(recordingFiles(first.files.image()));
  await hum(owner, 300);
  const after = openCheckpoint(await text(owner, "/audit/checkpoint"), trust).checkpoint;
  const read = (level: number, index: number, width: number) =>
    bytes(owner, `/audit/${tilePath({ level, index, width })}`);
  const proof = await proveConsistency(before.size, after.size, read);
  verifyConsistency(before.size, after.size, before.root, after.root, proof);
  await kernel.close();
});

test("nothing is signed that is not durable, and a size is signed once", async (context) => {
  const { kernel, owner, files } = await hive();
  context.after(() => kernel.close());
  const first = await text(owner, "/audit/checkpoint");
  assert.equal(await text(owner, "/audit/checkpoint"), first);
  const held = files.hold("sync");
  const answer = owner.append("/comb/ctl", { op: "hum", text: "m" });
  await held.reached;
  const log = new AuditLog(() => kernel.journal, signer);
  const seen = { next: kernel.journal.next, note: log.checkpoint(), tile: log.at("0/000.p/2") };
  held.release();
  await answer;
  assert.equal(seen.next, 2);
  assert.equal(openCheckpoint(seen.note, trust).checkpoint.size, 1);
  assert.equal(seen.tile, undefined);
  assert.equal(openCheckpoint(log.checkpoint(), trust).checkpoint.size, 2);
});

test("tiles are walked by the log's own paths; what the tree has not is absent", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  await hum(owner, 299);
  const names = (await owner.list(await owner.find("/audit/tile"))).map(({ name }) => name);
  assert.deepEqual(names, ["0", "1", "entries"]);
  assert.deepEqual(await owner.list(await owner.find("/audit/tile/0")), []);
  assert.equal((await bytes(owner, "/audit/tile/0/001.p/44")).length, 44 * 32);
  assert.equal((await bytes(owner, "/audit/tile/0/000.p/3")).length, 3 * 32);
  assert.equal((await bytes(owner, "/audit/tile/1/000.p/1")).length, 32);
  const absent = [
    "2",
    "0/001",
    "0/001.p/45",
    "0/001.p/0",
    "0/002.p",
    "0/01",
    "0/x000/001",
    "0/000.p/256",
    "etc",
  ];
  for (const path of absent)
    await assert.rejects(() => owner.find(`/audit/tile/${path}`), { kind: "absent" }, path);
});

test("paths of a large log have directories of a thousand", () => {
  const size = 256 * 1_234_067 + 5;
  const journal = {
    tree: { size, root: () => new Uint8Array(32), tile: async () => new Uint8Array(8192) },
    segments: { read: async () => [] },
  };
  const log = new AuditLog(() => journal, signer);
  const kinds: Record<string, "dir" | "file" | undefined> = {
    "0/x001": "dir",
    "0/x001/x234": "dir",
    "0/x001/x234/066": "file",
    "0/x001/x234/067": undefined,
    "0/x001/x234/067.p": "dir",
    "0/x001/x234/067.p/5": "file",
    "0/x001/x234/067.p/6": undefined,
    "0/x001/x235": undefined,
    "0/x000": undefined,
    "0/x999/999": "file",
    "entries/x001/x234/067.p/5": "file",
    "3": "dir",
    "4": undefined,
  };
  for (const [path, kind] of Object.entries(kinds)) assert.equal(log.at(path), kind, path);
});

test("the journal is told in the original's form, with block ids and reasons", async (context) => {
  const { kernel, owner, clock } = await hive();
  context.after(() => kernel.close());
  await owner.append("/comb/ctl", { op: "hatch", bee: "maya" });
  const other = kernel.attach(toyAuthority("o", { "/comb": ["read", "write"] }), "test");
  await other.append("/comb/ctl", { op: "hatch", bee: "maya" });
  await clock.advanceAsync(1000);
  await kernel.settled();
  assert.deepEqual(await json(owner, "/audit/journal"), [
    {
      seq: 1,
      kind: "control",
      path: "/comb/ctl",
      payload: '{"op":"hatch","bee":"maya"}',
      outcome: "ok",
      role: "queen",
      ticket: "owner",
    },
    {
      seq: 2,
      kind: "control",
      path: "/comb/ctl",
      payload: '{"op":"hatch","bee":"maya"}',
      outcome: "err",
      error: { code: "toy.there", message: 'Cannot hatch bee that is there: "maya"' },
      role: "observer",
      ticket: "block-o",
    },
  ]);
  const decisions = await json(owner, "/audit/decisions");
  assert.deepEqual(
    decisions.map(({ seq, decision, subject, code }) => [seq, decision, subject, code]),
    [
      [1, "allow", "owner", undefined],
      [2, "deny", "o", "toy.there"],
    ],
  );
  const [offsets] = await json(owner, "/audit/export");
  assert.equal(offsets?.journal_base, 0);
  assert.equal(offsets?.journal_next, (await text(owner, "/audit/journal")).length);
  assert.equal(offsets?.decisions_next, (await text(owner, "/audit/decisions")).length);
  assert.deepEqual([offsets?.replay_enabled, offsets?.replay_max_entries], [false, 0]);
});

test("the export tells whether commands can be judged again and how far back, and /replay is there only then", async (t) => {
  const window = { enabled: true, window: 64 };
  for (const enabled of [true, false]) {
    const replays = { ...window, enabled };
    const audit = auditProvider({ journal: () => assert.fail("not asked for"), signer, replays });
    const replay = replayProvider({ replay: () => assert.fail("not asked for"), replays });
    const kernel = await toyHive({
      files: recordingFiles(),
      clock: simulatedClock(),
      providers: [audit, replay, toyProvider()],
    });
    t.after(() => kernel.close());
    const owner = kernel.attach(fullAuthority("owner"), "test");
    const [told] = await json(owner, "/audit/export");
    assert.deepEqual(Object.keys(told ?? {}), [
      ...["journal_base", "journal_next", "decisions_base", "decisions_next"],
      ...["replay_enabled", "replay_max_entries"],
    ]);
    assert.deepEqual([told?.replay_enabled, told?.replay_max_entries], enabled ? [true, 64] : [false, 0]);
    if (enabled) assert.match(await text(owner, "/replay/status"), /"state":"idle"/);
    else await assert.rejects(owner.read("/replay/status"), { code: "session.absent" });
  }
});
