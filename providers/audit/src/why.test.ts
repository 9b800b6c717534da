import assert from "node:assert/strict";
import { test } from "node:test";
import type { JournalRecord } from "@skep/kernel";
import type { ChainSource } from "./chain.ts";
import { tellRecord } from "./why.ts";

const key = "0d".repeat(32);
const commitment = "df9c".repeat(16);

/** A record with what a chain reads of it. */
function recordOf(seq: number, events: JournalRecord["events"]): JournalRecord {
  const told = { seq, time: 0, subject: "ann", ticket: ["b0"], path: "/jobs/ctl", command: { op: "submit" } };
  return { ...told, policy: "none", verdict: { ok: true }, effects: [], events } as never;
}

/** A log in which record 7 submitted a job, and record 9 ended it with this receipt. */
function sourceWith(receipt: object | null): ChainSource {
  const end = { reason: receipt ? "exit" : "canceled", verified: receipt !== null, receipt };
  const records = new Map([
    [7, recordOf(7, [{ t: "jobs:submitted@1", d: { job: "7" } }])],
    [9, recordOf(9, [{ t: "jobs:ended@1", d: { job: "7", end } as never }])],
  ]);
  return {
    durable: () => 10,
    record: async (seq) => records.get(seq) as JournalRecord,
    touched: async (path) => (path === "/jobs/7" ? [9, 7] : []),
    outcome: async () => undefined,
    proof: async () => "",
  };
}

const receiptLink = async (receipt: object | null) =>
  (await tellRecord(7, sourceWith(receipt))).links.find(({ part }) => part === "receipt")?.text;

test("a receipt is told with the whole key that signed it and the whole commitment to its outputs", async () => {
  const output_commitment = [...Buffer.from(commitment, "hex")];
  const text = await receiptLink({ worker_pubkey: key, result: { output_commitment } });
  assert.equal(text, `verified, signed by ${key} over outputs ${commitment}`);
});

test("a job that ended without a receipt says so, with its reason", async () => {
  assert.equal(await receiptLink(null), "no receipt: canceled");
});
