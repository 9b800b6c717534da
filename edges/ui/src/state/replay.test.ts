import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Picture } from "../scene/picture.ts";
import { HiveState } from "./hive.ts";
import { fileOfTar, readRecording } from "./recording.ts";
import { Replay } from "./replay.ts";

const day = readFileSync(new URL("../demo/day.ndjson", import.meta.url));
const bytesOf = (text: string) => new TextEncoder().encode(text);
const make = () =>
  new HiveState(
    (act) => act(),
    () => 0,
  );

const event = (seq: number, time: number, name: string, data: object) =>
  JSON.stringify({ seq, time, event: name, data });

const told = [
  event(1, 1000, "workers:joined@1", { worker: "w-1", slots: 2 }),
  event(2, 2000, "jobs:submitted@1", { job: "2", jobId: "ab" }),
  JSON.stringify({ seq: 2, time: 2000, subject: "ann", path: "/jobs/ctl", verdict: "ok", command: {} }),
  event(2, 2000, "jobs:leased@1", { job: "2", worker: "w-1", until: 9000 }),
  event(3, 3000, "workers:owner@1", {
    worker: "w-1",
    state: "freeze",
    reasons: [{ text: "somebody types" }],
  }),
  event(4, 4000, "jobs:ended@1", {
    job: "2",
    worker: "w-1",
    state: "done",
    end: { exit: 0, reason: "exit" },
  }),
];

/** A record of the journal that says the same as two lines of the traces. */
const journal = JSON.stringify({
  seq: 2,
  time: 2000,
  subject: "ann",
  path: "/jobs/ctl",
  command: {},
  verdict: { ok: true },
  events: [
    { t: "jobs:submitted@1", d: { job: "2", jobId: "ab" } },
    { t: "jobs:leased@1", d: { job: "2", worker: "w-1", until: 9000 } },
  ],
});

function tar(name: string, text: string): Uint8Array {
  const bytes = bytesOf(text);
  const made = new Uint8Array(512 + Math.ceil(bytes.length / 512) * 512 + 1024);
  made.set(bytesOf(name), 0);
  made.set(bytesOf(`${bytes.length.toString(8).padStart(11, "0")}\0`), 124);
  made.set(bytesOf("ustar\0"), 257);
  made.set(bytes, 512);
  return made;
}

test("both traces and the journal tell the same record", () => {
  const fromTraces = readRecording(bytesOf(told.join("\n"))).find(({ seq }) => seq === 2);
  const [fromJournal] = readRecording(bytesOf(journal));
  assert.deepEqual(fromTraces, fromJournal);
  assert.equal(fromJournal?.subject, "ann");
});

test("an evidence pack is read out of its tar file, and what is no recording is refused by name", () => {
  const pack = tar("journal.ndjson", `${journal}\n`);
  assert.equal(fileOfTar(pack, "seal"), undefined);
  assert.deepEqual(readRecording(pack), readRecording(bytesOf(journal)));
  assert.throws(() => readRecording(bytesOf("a picture")), /no line of it is a record of a hive/);
});

test("a recording shows the hive as it was after each record, forwards and back", () => {
  const replay = new Replay("told", readRecording(bytesOf(told.join("\n"))), make);
  const seen = () => {
    const { machines, jobs } = replay.state;
    return [machines.get("w-1")?.state, jobs.get("2")?.state, jobs.get("2")?.owner];
  };
  const steps = [0, 1, 2, 3, 4].map((done) => {
    replay.to(done);
    return seen();
  });
  assert.deepEqual(steps, [
    [undefined, undefined, undefined],
    ["ready", undefined, undefined],
    ["busy", "leased", "ann"],
    ["frozen", "leased", "ann"],
    ["frozen", "done", "ann"],
  ]);
  assert.equal(replay.state.machines.get("w-1")?.reason, "somebody types");
  replay.to(2);
  assert.deepEqual(seen(), ["busy", "leased", "ann"]);
});

test("playing stops at the time asked for, and flies what happened then on the same scene", () => {
  const replay = new Replay("told", readRecording(bytesOf(told.join("\n"))), make);
  assert.equal(replay.play(2500), true);
  assert.equal(replay.done, 2);
  assert.equal(replay.time, 2000);
  const { flights } = replay.state;
  assert.deepEqual(
    flights.all.map(({ machine, kind }) => [machine, kind]),
    [["w-1", "lease"]],
  );
  assert.deepEqual([...new Picture(replay.state).update().layout.ids], ["w-1"]);
  assert.equal(replay.play(Number.POSITIVE_INFINITY), false);
});

test("the recording of a day that comes with the page ends with five machines and every job ended", () => {
  const records = readRecording(day);
  const replay = new Replay("day", records, make);
  replay.to(records.length);
  const { machines, jobs, refusals } = replay.state;
  assert.equal(machines.size, 5);
  assert.deepEqual(
    [...jobs.values()].filter(({ ended }) => ended === 0),
    [],
  );
  assert.deepEqual([jobs.size, refusals.all.length], [23, 7]);
  const frozen = records.findIndex(({ events }) => events.some(({ data }) => data.state === "paused"));
  replay.to(frozen + 1);
  assert.deepEqual([...replay.state.machines.values()].filter(({ state }) => state === "frozen").length, 1);
});
