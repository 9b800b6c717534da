import assert from "node:assert/strict";
import { test } from "node:test";
import type { JournalRecord } from "../journal/record.ts";
import { LateLines } from "./late-lines.ts";
import { Ring } from "./ring.ts";

const record = (seq: number): JournalRecord => ({ seq }) as JournalRecord;
const text = (ring: Ring): string => Buffer.from(ring.read(0, 1000)).toString();

test("lines are made at the first look, of the newest records only, and at once from then on", () => {
  let made = 0;
  const lines = new LateLines(({ seq }) => {
    made += 1;
    return seq === 3 ? "" : `${seq}\n`;
  }, 3);
  const ring = new Ring(100);
  for (const seq of [0, 1, 2, 3, 4]) lines.push(record(seq));
  assert.equal(made, 0);
  assert.equal(text(lines.open(ring)), "2\n4\n");
  lines.push(record(5));
  assert.equal(text(ring), "2\n4\n5\n");
  lines.open(ring);
  assert.equal(text(ring), "2\n4\n5\n");
});
