import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { JournalRecord } from "@skep/kernel";
import { digestsOf, parseGolden, printGolden } from "./fold.ts";
import { playScenario } from "./scenario.test.ts";

const testdata = new URL("./testdata/", import.meta.url);
const names = readdirSync(testdata)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => name.slice(0, -".jsonl".length));

function read(name: string, kind: "jsonl" | "digest"): string {
  return readFileSync(new URL(`${name}.${kind}`, testdata), "utf8");
}

const typesOf = (records: readonly JournalRecord[]): Set<string> =>
  new Set(records.flatMap(({ events }) => events.map(({ t }) => t)));

test("there is a golden journal of the first release", () => assert.equal(names.includes("v1"), true));

for (const name of names) {
  test(`the golden journal ${name} is read, and folds into the state that it folded into when it was written`, () => {
    const text = read(name, "jsonl");
    const records = parseGolden(text);
    assert.equal(printGolden(records), text);
    assert.deepEqual(digestsOf(records), read(name, "digest").trim().split("\n"));
  });

  test(`an event of ${name} that is left out gives another state at once`, () => {
    const records = parseGolden(read(name, "jsonl"));
    const digests = digestsOf(records);
    const at = records.findIndex(({ events }) => events.some(({ t }) => t === "queen:spawned@1"));
    const without = records.map((record, seq) => (seq === at ? { ...record, events: [] } : record));
    const others = digestsOf(without);
    assert.deepEqual([others[at - 1] === digests[at - 1], others[at] === digests[at]], [true, false]);
  });
}

test("an event type or version that this program does not know is refused by name", () => {
  const records = parseGolden(read("v1", "jsonl"));
  for (const t of ["queen:crowned@1", "queen:spawned@2", "moon:landed@1"]) {
    const [first, ...rest] = records.toReversed();
    const strange = [...rest.toReversed(), { ...first, events: [{ t, d: {} }] } as JournalRecord];
    assert.throws(() => digestsOf(strange), {
      code: "state.event",
      kind: "unsupported",
      message: new RegExp(t),
    });
  }
});

test("the scenario comes out the same each time, and has what a hive does", async () => {
  const [once, again] = [await playScenario(), await playScenario()];
  assert.equal(printGolden(once), printGolden(again));
  const types = typesOf(once);
  const expected = [
    ...["born", "started", "lifecycle", "keyed", "keys-forgotten", "charged", "revoked"].map(
      (n) => `kernel:${n}@1`,
    ),
    ...["spawned", "killed", "revoked", "clock-confirmed"].map((n) => `queen:${n}@1`),
    ...["joined", "left"].map((n) => `workers:${n}@1`),
    ...[
      "submitted",
      "arrayed",
      "array-canceled",
      "swept",
      "unstarted",
      "leased",
      "ended",
      "late",
      "canceled",
      "expired",
      "renewed",
      "returned",
      "lost",
      "checked",
    ].map((n) => `jobs:${n}@1`),
    ...["committed", "reveal", "revealed", "settled", "metered", "quarantined", "released"].map(
      (n) => `jobs:${n}@1`,
    ),
    ...["invited", "termed", "redeemed", "issued", "renewed", "labelled", "removed", "revoked", "lapsed"].map(
      (n) => `peers:${n}@1`,
    ),
    ...["file", "chunk", "checking", "unchecked", "checked", "activated", "returned", "retired", "swept"].map(
      (n) => `models:${n}@1`,
    ),
    "ledger:posted@1",
    "cas:stored@1",
  ];
  assert.deepEqual(
    expected.filter((type) => !types.has(type)),
    [],
  );
  assert.equal(
    once.some(({ verdict }) => !verdict.ok),
    true,
  );
});
