import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { decodeRecord, encodeRecord, Segments } from "@skep/kernel";
import { openFiles } from "@skep/storage";
import { seeded } from "@skep/testing";
import { places } from "./hive/storage.ts";
import { ask } from "./jobs/submit.ts";
import { type Daemon, refusedDaemon, startDaemon } from "./testing/daemon.ts";
import { Inspector } from "./testing/inspect.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-damage-"));
const clean = join(dir, "clean");
const killed = join(dir, "killed");
const random = seeded(Number(process.env.SKEP_CRASH_SEED ?? 3));
const keys = 60;

after(() => rmSync(dir, { recursive: true, force: true }));

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  chmodSync(to, 0o700);
}

async function command(daemon: Daemon, from: number, to: number): Promise<void> {
  await using client = await daemon.connect();
  for (let at = from; at < to; at += 1)
    await ask(client, "/queen/ctl", { revoke: `block-${at}`, $key: `key-${at}` });
}

/** The same records in many small segments, as a journal has them after its first 64 MiB. */
async function resegment(home: string): Promise<void> {
  const from = new Segments(openFiles(places.files(home)));
  await from.open(false);
  const records: Uint8Array[] = [];
  while (records.length < from.records) records.push(...(await from.read(records.length, 1000)));
  rmSync(places.files(home), { recursive: true });
  const to = new Segments(openFiles(places.files(home)), { segmentSize: 4096 });
  await to.open();
  for (const record of records) await to.append([record]);
  await to.close();
}

before(async () => {
  const first = await startDaemon(clean);
  await command(first, 0, keys);
  assert.equal((await first.kill("SIGTERM")).code, 0);
  await resegment(clean);
  copy(clean, killed);
  const second = await startDaemon(killed);
  await command(second, keys, keys + 10);
  await second.kill("SIGKILL");
});

const journalOf = (home: string): string => join(places.files(home), "journal");

function segmentsOf(home: string): string[] {
  const names = readdirSync(journalOf(home)).filter((name) => name.endsWith(".seg"));
  assert.equal(names.length > 4, true);
  return names.sort().map((name) => join(journalOf(home), name));
}

/** A segment by its place, from the end when negative. */
function segment(home: string, at: number): string {
  return segmentsOf(home).at(at) ?? assert.fail(`no segment ${at}`);
}

function flip(path: string, from: number, to: number): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length * (from + random() * (to - from)));
  bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  writeFileSync(path, bytes);
}

interface Case {
  readonly name: string;
  readonly of: string;
  readonly harm: (home: string) => void;
  readonly code: string;
}

const damaged = "journal.damaged";
const cases: readonly Case[] = [
  {
    name: "a flipped bit in a sealed segment",
    of: clean,
    harm: (home) => flip(segment(home, 1), 0.01, 1),
    code: damaged,
  },
  {
    name: "a flipped bit in the header of a segment",
    of: clean,
    harm: (home) => flip(segment(home, 2), 0, 0.004),
    code: damaged,
  },
  {
    name: "a flipped bit in the last segment after a clean stop",
    of: clean,
    harm: (home) => flip(segment(home, -1), 0.01, 1),
    code: damaged,
  },
  {
    name: "a flipped bit in the middle of the last segment after a kill",
    of: killed,
    harm: (home) => flip(segment(home, -1), 0.1, 0.5),
    code: damaged,
  },
  {
    name: "a truncated sealed segment",
    of: clean,
    harm: (home) => truncateSync(segment(home, 1), 900),
    code: damaged,
  },
  {
    name: "a last segment cut short after a clean stop",
    of: clean,
    harm: (home) => truncateSync(segment(home, -1), 100),
    code: damaged,
  },
  {
    name: "a missing sealed segment",
    of: clean,
    harm: (home) => rmSync(segment(home, 2)),
    code: "journal.gap",
  },
  {
    name: "a missing first segment",
    of: clean,
    harm: (home) => rmSync(segment(home, 0)),
    code: "journal.gap",
  },
  {
    name: "a missing last segment after a clean stop",
    of: clean,
    harm: (home) => rmSync(segment(home, -1)),
    code: "journal.gap",
  },
  {
    name: "a flipped bit in the note of the clean end",
    of: clean,
    harm: (home) => flip(join(journalOf(home), "end"), 0, 1),
    code: damaged,
  },
];

for (const [number, { name, of, harm, code }] of cases.entries())
  test(`up refuses ${name} by name, with a cure, and changes nothing`, async () => {
    const home = join(dir, `case-${number}`);
    copy(of, home);
    harm(home);
    const before = segmentsOf(home).map((path) => readFileSync(path));
    const { code: exit, refusal, err } = await refusedDaemon(home);
    assert.deepEqual([exit, refusal?.kind, refusal?.code], [1, "corrupt", code], err);
    assert.match(
      refusal?.message ?? "",
      /^Cannot start: a segment of the journal is (damaged|missing): "journal\//,
    );
    assert.match(refusal?.cure ?? "", /skep restore/);
    assert.deepEqual(
      segmentsOf(home).map((path) => readFileSync(path)),
      before,
    );
  });

test("a torn tail is cut and told, and everything before it is there", async () => {
  for (const tear of ["cut", "garbage"] as const) {
    const home = join(dir, tear);
    copy(killed, home);
    const last = segment(home, -1);
    const bytes = readFileSync(last);
    if (tear === "cut") truncateSync(last, bytes.length - 5);
    else
      writeFileSync(
        last,
        Buffer.concat([bytes, Buffer.from(Array.from({ length: 77 }, () => random() * 256))]),
      );
    await using daemon = await startDaemon(home);
    assert.match(daemon.err(), /Cut \d+ bytes of a record that is not whole off the journal/);
    await daemon.kill("SIGTERM");
    const { records, replayed, recovered } = await new Inspector(home).look();
    assert.equal(recovered, replayed);
    const found = records.flatMap(({ key }) => (key === undefined ? [] : [key]));
    const all = Array.from({ length: keys + 10 }, (_, at) => `key-${at}`);
    // The torn record was the last one; nobody but this test has taken it away again.
    assert.deepEqual(found, tear === "cut" ? all.slice(0, found.length) : all);
    assert.equal(found.length >= all.length - 1, true);
  }
});

test("a damaged index of a segment, tile file or SQLite index is made anew", async () => {
  const home = join(dir, "rebuilt");
  copy(clean, home);
  const first = await startDaemon(home);
  assert.equal((await first.kill("SIGTERM")).code, 0);
  const made = readdirSync(journalOf(home)).filter((name) => /idx$|tiles$/.test(name));
  assert.equal(made.length > 2, true);
  for (const name of made) writeFileSync(join(journalOf(home), name), Buffer.alloc(100, 7));
  writeFileSync(places.index(home), Buffer.alloc(8192, 7));
  await using daemon = await startDaemon(home);
  await command(daemon, keys, keys + 3);
  assert.equal((await daemon.kill("SIGTERM")).code, 0);
  const { records } = await new Inspector(home).look();
  assert.equal(records.filter(({ key }) => key !== undefined).length, keys + 3);
});

test("a journal of a newer program is refused by the name of what is not known, and is left as it was", async () => {
  const home = join(dir, "newer");
  copy(clean, home);
  const segments = new Segments(openFiles(places.files(home)));
  await segments.open();
  const [bytes] = await segments.read(segments.records - 1, 1);
  const last = decodeRecord(bytes ?? assert.fail("no record"));
  const strange = [{ t: "queen:crowned@7", d: {} }];
  await segments.append([encodeRecord({ ...last, seq: last.seq + 1, events: strange })]);
  await segments.close();
  const before = segmentsOf(home).map((path) => readFileSync(path));
  const { code, refusal } = await refusedDaemon(home);
  assert.deepEqual([code, refusal?.kind, refusal?.code], [1, "unsupported", "state.event"]);
  assert.match(refusal?.message ?? "", /queen:crowned@7/);
  assert.match(refusal?.cure ?? "", /version of Skep/);
  assert.deepEqual(
    segmentsOf(home).map((path) => readFileSync(path)),
    before,
  );
});
