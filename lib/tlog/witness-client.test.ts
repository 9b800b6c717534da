import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addCheckpoint,
  compareCheckpoints,
  createCosignatureVerifier,
  createCosigner,
  createSigner,
  createVerifier,
  ed25519PublicKey,
  emptyRoot,
  leafHash,
  openCheckpoint,
  parseWitnessRecord,
  printAddCheckpoint,
  printCheckpoint,
  printWitnessRecord,
  proveConsistency,
  readWitnessAnswer,
  signatureLines,
  signNote,
  TileWriter,
  verifySuccession,
  type WitnessAnswer,
} from "@skep/tlog";

const origin = "hive.example/journal";
const seed = Buffer.alloc(32, 1);
const signer = createSigner(origin, seed);
const trust = { logs: [createVerifier(origin, ed25519PublicKey(seed))] };
const witnessSeed = Buffer.alloc(32, 2);
const witness = createCosignatureVerifier("w.example", ed25519PublicKey(witnessSeed));

function createLog(word: string) {
  const writer = new TileWriter();
  const notes = [signNote(printCheckpoint({ origin, size: 0, root: emptyRoot() }), [signer])];
  for (let size = 1; size <= 12; size += 1) {
    writer.append(leafHash(Buffer.from(`${word} ${size}`)));
    notes.push(signNote(printCheckpoint({ origin, size, root: writer.root() }), [signer]));
  }
  const read = (level: number, index: number, width: number) =>
    writer.tile(level, index, width) ?? assert.fail("no tile");
  return {
    note: (size: number) => notes[size] ?? assert.fail(`no checkpoint ${size}`),
    prove: async (from: number, to: number) =>
      from === 0 || from === to ? [] : proveConsistency(from, to, read),
  };
}

/** A witness over the wire that keeps its record as text. */
function createWitness() {
  const stored = new Map<string, string>();
  return (body: string): WitnessAnswer => {
    const kept = stored.get(origin);
    const known = { verifiers: trust.logs, ...(kept !== undefined && { latest: parseWitnessRecord(kept) }) };
    const decision = addCheckpoint(body, (asked) => (asked === origin ? known : undefined), 1000);
    if (decision.status === 409) return decision;
    if (decision.status !== 200) return { status: decision.status, body: decision.reason };
    const { record, text } = decision;
    stored.set(origin, printWitnessRecord({ origin, ...record }));
    return {
      status: 200,
      body: signatureLines(text, [createCosigner("w.example", witnessSeed, () => record.time)]),
    };
  };
}

const log = createLog("act");
const fork = createLog("other act");

async function ask(
  witnessOf: (body: string) => WitnessAnswer,
  from: typeof log,
  oldSize: number,
  size: number,
) {
  const checkpoint = from.note(size);
  const proof = await from.prove(oldSize, size);
  const answer = witnessOf(printAddCheckpoint({ oldSize, proof, checkpoint }));
  return readWitnessAnswer(answer, { checkpoint, size, oldSize }, [witness]);
}

test("a log that lost count of a witness is told its size, and is cosigned from there", async () => {
  const remote = createWitness();
  assert.equal((await ask(remote, log, 0, 5)).kind, "cosigned");
  assert.deepEqual(await ask(remote, log, 3, 9), { kind: "again", oldSize: 5 });
  const outcome = await ask(remote, log, 5, 9);
  assert.equal(outcome.kind, "cosigned");
  if (outcome.kind !== "cosigned") return;
  const opened = openCheckpoint(outcome.checkpoint, {
    ...trust,
    witnesses: [witness],
    quorum: (by) => by.length > 0,
  });
  assert.equal(opened.checkpoint.size, 9);
});

test("a log that went back learns that the witness is ahead", async () => {
  const remote = createWitness();
  await ask(remote, log, 0, 9);
  assert.deepEqual(await ask(remote, log, 4, 5), { kind: "ahead", theirSize: 9 });
});

test("a fork is cosigned by no witness that saw the other history", async () => {
  const remote = createWitness();
  await ask(remote, log, 0, 5);
  const same = await ask(remote, fork, 5, 5);
  assert.equal(same.kind === "refused" && same.status, 409);
  const longer = await ask(remote, fork, 5, 9);
  assert.equal(longer.kind === "refused" && longer.status, 422);
});

test("an answer that is not of the protocol is refused, not believed", () => {
  const asked = { checkpoint: log.note(5), size: 5, oldSize: 3 };
  const strange = createCosigner("w.example", Buffer.alloc(32, 9), () => 1000);
  const other = createCosigner("w.example", witnessSeed, () => 1000);
  const answers: readonly WitnessAnswer[] = [
    { status: 200, body: "" },
    { status: 200, body: "fine\n" },
    {
      status: 200,
      body: signatureLines(printCheckpoint({ origin, size: 5, root: Buffer.alloc(32) }), [other]),
    },
    { status: 200, body: signatureLines(log.note(5).split("\n\n")[0] + "\n", [strange]) },
    { status: 409, body: "4\n" },
    { status: 409, contentType: "text/x.tlog.size", body: "4" },
    { status: 409, contentType: "text/x.tlog.size", body: "-4\n" },
    { status: 409, contentType: "text/plain", body: "4\n" },
    { status: 500, body: Buffer.of(0xff) },
    { status: 200, body: "x".repeat(70_000) },
    { status: 404, body: "unknown log" },
  ];
  for (const answer of answers)
    assert.equal(readWitnessAnswer(answer, asked, [witness]).kind, "refused", JSON.stringify(answer));
  const sized = { status: 409, contentType: "Text/X.tlog.size; charset=utf-8", body: "4\n" };
  assert.deepEqual(readWitnessAnswer(sized, asked, [witness]), { kind: "again", oldSize: 4 });
});

test("two checkpoints of a log are the same, grown, or the name of what went wrong", async () => {
  const at = (from: typeof log, size: number) => openCheckpoint(from.note(size), trust).checkpoint;
  const proof = await log.prove(5, 9);
  assert.equal(compareCheckpoints(at(log, 5), at(log, 9), proof), "grown");
  assert.equal(compareCheckpoints(at(log, 0), at(log, 9), []), "grown");
  assert.equal(compareCheckpoints(at(log, 5), at(log, 5), []), "same");
  assert.equal(compareCheckpoints(at(log, 9), at(log, 5), proof), "went-back");
  assert.equal(compareCheckpoints(at(log, 5), at(fork, 5), []), "split-view");
  assert.equal(compareCheckpoints(at(log, 5), at(fork, 9), await fork.prove(5, 9)), "rewritten");
  assert.equal(compareCheckpoints({ ...at(log, 5), origin: "x" }, at(log, 9), proof), "other-origin");
  assert.equal(verifySuccession(log.note(5), log.note(9), proof, trust).size, 9);
  assert.throws(() => verifySuccession(log.note(9), log.note(5), [], trust), { code: "tlog.succession" });
  const unsigned = log.note(9).replace("\n9\n", "\n10\n");
  assert.throws(() => verifySuccession(log.note(5), unsigned, proof, trust), { code: "tlog.signature" });
});

test("a witness's record reads back as it was, and nothing else is a record", () => {
  const record = { origin, size: 9, root: Buffer.alloc(32, 3), time: 1000 };
  const text = printWitnessRecord(record);
  assert.deepEqual(parseWitnessRecord(text), record);
  const bad = ["", text.slice(0, -1), `${text}\n`, text.replace("v1", "v2"), text.replace("\n9\n", "\n09\n")];
  for (const other of [...bad, text.replaceAll("\n", "\r\n"), text.replace(origin, "")])
    assert.throws(() => parseWitnessRecord(other), { code: "tlog.record" }, JSON.stringify(other));
  assert.throws(() => printWitnessRecord({ ...record, origin: "a\nb" }), { code: "tlog.record" });
});
