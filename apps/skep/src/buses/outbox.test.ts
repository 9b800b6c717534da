import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { recordingFiles, simulatedClock } from "@skep/testing";
import { Spool } from "../spool/spool.ts";
import type { Attached } from "../worker/link.ts";
import { AsideFile } from "./aside.ts";
import { Outbox } from "./outbox.ts";

type Line = Readonly<Record<string, unknown>>;

/** An outbox whose hive takes the lines that `judge` throws nothing at, in order, each number once. */
async function outbox(judge: (line: Line) => void) {
  const clock = simulatedClock();
  const spool = await Spool.open(recordingFiles(), {
    ...{ most: 1024 * 1024, name: () => "bridge:1", now: () => clock.now() },
  });
  const taken: Line[] = [];
  const notes: string[] = [];
  const logged: string[] = [];
  const aside: Line[] = [];
  const results = {
    append: async (text: string) => {
      for (const line of text.trimEnd().split("\n")) {
        const read = JSON.parse(line) as Line & { readonly seq: number };
        judge(read);
        if (read.seq > Number(taken.at(-1)?.seq ?? 0)) taken.push(read);
      }
    },
  };
  const box = new Outbox({
    ...{ spool, clock, telemetry: undefined, signal: new AbortController().signal },
    attached: () => ({ results }) as unknown as Attached,
    aside: { place: "refused.jsonl", put: (record) => void aside.push({ ...record }) },
    note: (_what, thrown) => void notes.push((thrown as Error).message),
    log: (line) => void logged.push(line),
  });
  return { box, clock, spool, taken, notes, logged, aside };
}

test("what the hive refuses for what it is is set aside with its reason, told, and holds up nothing", async () => {
  const { box, clock, spool, taken, notes, logged, aside } = await outbox(({ nth, set_aside }) => {
    if (nth === 7 || nth === 200) throw new Fault("oversize", "bus.long", "Cannot take a line this long");
    if ((set_aside as Line | undefined)?.seq === 200) throw new Fault("invalid", "x.y", "Cannot read it");
  });
  for (let nth = 1; nth <= 300; nth += 1) await box.put({ at_ms: nth, nth });
  box.bring();
  await box.idle();
  const numbers = Array.from({ length: 300 }, (_, at) => at + 1).filter((nth) => nth !== 7 && nth !== 200);
  assert.deepEqual(
    taken.flatMap(({ nth }) => (nth === undefined ? [] : [nth])),
    numbers,
  );
  assert.deepEqual(
    taken.flatMap(({ set_aside }) => (set_aside === undefined ? [] : [set_aside])),
    [{ seq: 7, bytes: 19, code: "bus.long" }],
  );
  assert.deepEqual(
    aside.map(({ seq, code, reason, record }) => [seq, code, reason, record]),
    [
      [7, "bus.long", "Cannot take a line this long", '{"at_ms":7,"nth":7}'],
      [200, "bus.long", "Cannot take a line this long", '{"at_ms":200,"nth":200}'],
      [
        302,
        "x.y",
        "Cannot read it",
        `{"at_ms":${clock.now()},"set_aside":{"seq":200,"bytes":23,"code":"bus.long"}}`,
      ],
    ],
  );
  assert.deepEqual([spool.status().waiting, notes, logged.length], [0, [], 3]);
  assert.match(logged[1] ?? "", /record 200 is set aside in refused\.jsonl, 2 since the start: Cannot take/);
});

test("what the hive refuses for now is brought again every two seconds, in order, and why is told once", async () => {
  let refusals = 0;
  const { box, clock, taken, notes, aside } = await outbox(({ nth }) => {
    if (nth !== 2 || refusals === 5) return;
    refusals += 1;
    throw new Fault("quota", "bus.full", "Cannot spool");
  });
  for (const nth of [1, 2, 3]) await box.put({ at_ms: nth, nth });
  box.bring();
  while (refusals < 5) await clock.advanceAsync(2000);
  await clock.advanceAsync(2000);
  await box.idle();
  assert.deepEqual(
    taken.map(({ nth }) => nth),
    [1, 2, 3],
  );
  assert.deepEqual([notes, aside], [["Cannot spool"], []]);
});

test("where a record is to be set aside and cannot be, it waits", async () => {
  const { box, clock, spool, taken, aside, notes } = await outbox(({ nth }) => {
    if (nth === 1) throw new Fault("oversize", "bus.long", "Cannot take it");
  });
  await box.put({ at_ms: 1, nth: 1 });
  const push = aside.push.bind(aside);
  let full = true;
  aside.push = (record) => {
    if (full) throw new Error("no space");
    return push(record);
  };
  box.bring();
  await clock.advanceAsync(4000);
  assert.deepEqual([spool.status().waiting, notes.length], [1, 1]);
  full = false;
  await clock.advanceAsync(2000);
  await box.idle();
  assert.deepEqual([spool.status().waiting, taken.length, aside.length], [0, 1, 1]);
});

test("of what is set aside the newest is kept in a file for its owner alone, and the file before it", () => {
  const folder = mkdtempSync(join(tmpdir(), "skep-aside-"));
  try {
    const file = new AsideFile(folder, 100);
    for (let nth = 1; nth <= 5; nth += 1) file.put({ nth, text: "x".repeat(30) });
    const numbers = (path: string) =>
      readFileSync(path, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { nth: number }).nth);
    assert.deepEqual([numbers(`${file.place}.1`), numbers(file.place)], [[3, 4], [5]]);
    assert.equal(statSync(file.place).mode & 0o777, 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
