import assert from "node:assert/strict";
import test from "node:test";
import { canonical } from "@skep/canon";
import fc from "fast-check";
import { decodeRecord, encodeRecord, type JournalRecord } from "./record.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const json = fc.jsonValue({ maxDepth: 3 });
const verdict = fc.oneof(
  fc.constant({ ok: true }),
  fc.record({ ok: fc.constant(false), kind: text, code: text, message: text, count: fc.nat() }),
);
const records = fc.record(
  {
    v: fc.constant(1 as const),
    seq: fc.nat(),
    epoch: fc.nat(),
    time: fc.maxSafeNat(),
    subject: text,
    role: text,
    ticket: fc.array(text, { maxLength: 3 }),
    path: text,
    command: json,
    key: text,
    verdict,
    policy: text,
    engine: text,
    events: fc.array(fc.record({ t: text, d: json }), { maxLength: 3 }),
    effects: fc.array(fc.record({ id: text, kind: text, args: json }), { maxLength: 3 }),
    outcome: text,
    trace: text,
  },
  {
    requiredKeys: [
      "v",
      "seq",
      "epoch",
      "time",
      "subject",
      "ticket",
      "path",
      "command",
      "verdict",
      "policy",
      "engine",
      "events",
      "effects",
    ],
  },
);

test("a record's bytes are its canonical JSON, whatever it holds", () => {
  fc.assert(
    fc.property(records, (made) => {
      const record = made as JournalRecord;
      assert.equal(encodeRecord(record).toString(), canonical(record));
      assert.deepEqual(decodeRecord(encodeRecord(record)), JSON.parse(JSON.stringify(record)));
    }),
    { numRuns: 300 },
  );
});

test("a record that is too long is refused", () => {
  const record = fc.sample(records, 1)[0] as JournalRecord;
  assert.throws(() => encodeRecord({ ...record, command: "x".repeat(65_535) }), { code: "journal.oversize" });
});
