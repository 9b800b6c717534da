import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { Call } from "@skep/fuse";
import { type Client, createClient, type HostFile, memoryWires, QT, serve, type Wire } from "@skep/ninep";
import { type SimulatedClock, simulatedClock } from "@skep/testing";
import { fault } from "./faults.ts";
import { HiveFiles } from "./hive-files.ts";
import { Link } from "./link.ts";

const most = 100;
let clock: SimulatedClock;
let link: Link;
let files: HiveFiles;
let clients: Client[];
let silent: boolean;
let reads: string[];
let written: string[];

const call = (signal = new AbortController().signal): Call => ({ signal, uid: 0, gid: 0, pid: 1 });

/** A stream of two parts: each is followed by nothing once, and what comes after the second waits. */
const stream: HostFile = {
  qid: { type: QT.append, version: 0, path: 2 },
  ignoresTruncate: true,
  walk: () => assert.fail("a file has no entries"),
  getattr: () => ({ mode: 0o600, size: 8, uid: 77, mtime: 1_500 }),
  open: () => {
    const parts = ["one\n", "", "two\n", ""];
    return {
      waits: true,
      read: (offset, _count, { signal }) => {
        reads.push(`${offset}`);
        const part = parts.shift();
        if (part !== undefined) return Buffer.from(part);
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
      write: (_offset, data) => {
        written.push(String(data));
        return data.length;
      },
    };
  },
};

const names = Array.from({ length: 30 }, (_, at) => `entry-${at}`);
const root: HostFile = {
  qid: { type: QT.dir, version: 0, path: 1 },
  walk: (name) => {
    if (name === "stream") return stream;
    throw fault.absent(name);
  },
  getattr: () => ({ mode: 0o500, size: 0 }),
  open: () => ({
    readdir: (cookie) =>
      names.slice(cookie).map((name, at) => ({ name, qid: stream.qid, cookie: cookie + at + 1 })),
  }),
};

/** A connection to the sample hive, which says nothing more from when it is silent. */
async function connect(signal: AbortSignal): Promise<Client> {
  const [ours, theirs] = memoryWires();
  serve(theirs, { attach: () => ({ file: root }) });
  const wire: Wire = { ...bound(ours), write: (bytes) => silent || ours.write(bytes) };
  const client = await createClient(wire, { signal });
  clients.push(client);
  return client;
}

const bound = (wire: Wire): Wire => ({
  listen: (events) => wire.listen(events),
  write: (bytes) => wire.write(bytes),
  pause: () => wire.pause(),
  resume: () => wire.resume(),
  close: () => wire.close(),
});

beforeEach(() => {
  [clients, reads, written, silent] = [[], [], [], false];
  clock = simulatedClock();
  link = new Link({ connect, clock, report: () => undefined });
  files = new HiveFiles(link, { uid: 1000, gid: 100, most });
});
afterEach(async () => {
  silent = false;
  await link.close();
});

const texts = (parts: readonly Uint8Array[]): string[] => parts.map(String);

test("a read goes on until nothing comes, and passes the waiting on only where it began with nothing", async () => {
  const file = await files.open("/stream", 0, call());
  assert.deepEqual(texts(await file.read(0, 4096, call())), ["one\n"]);
  assert.deepEqual(texts(await file.read(4, 4096, call())), ["two\n"]);
  assert.deepEqual(reads, ["0", "4", "4", "8"]);
  const interrupt = new AbortController();
  const waiting = file.read(8, 4096, call(interrupt.signal));
  interrupt.abort(new Error("Ctrl-C"));
  await assert.rejects(waiting, /Ctrl-C/);
});

test("a read never asks for more than it was asked for", async () => {
  const file = await files.open("/stream", 0, call());
  assert.deepEqual(texts(await file.read(0, 4, call())), ["one\n"]);
  assert.deepEqual(reads, ["0"]);
});

test("what is too long for one request is cut behind a line, and what has no line where it must be", async () => {
  const file = await files.open("/stream", 1, call());
  const lines = `${"x".repeat(59)}\n`.repeat(3);
  assert.equal(await file.write(0, Buffer.from(lines), call()), 60);
  assert.equal(await file.write(0, Buffer.from("y".repeat(150)), call()), most);
  assert.equal(await file.write(0, Buffer.from("short"), call()), 5);
  assert.deepEqual(written, [lines.slice(0, 60), "y".repeat(most), "short"]);
});

test("files belong to whoever mounted, and have the hive's size, mode and time", async () => {
  const { uid, gid, size, mode, mtime } = await files.getattr("/stream", call());
  assert.deepEqual([uid, gid, size, mode, mtime], [1000, 100, 8, 0o100600, 1500]);
  assert.equal((await files.getattr("/", call())).mode, 0o040500);
});

test("what is not there and what is below a file are told apart", async () => {
  await assert.rejects(files.getattr("/no", call()), { kind: "absent" });
  await assert.rejects(files.getattr("/stream/x", call()), { kind: "notDirectory" });
});

test("only the truncation of a `>` and times are set", async () => {
  await files.setattr("/stream", { valid: 0x8, size: 0n }, call());
  await files.setattr("/stream", { valid: 0x1b0, size: 0n }, call());
  await assert.rejects(files.setattr("/stream", { valid: 0x8, size: 5n }, call()), { kind: "refused" });
  await assert.rejects(files.setattr("/stream", { valid: 0x1, size: 0n }, call()), { kind: "refused" });
});

test("a directory is listed page by page, from wherever the kernel goes on", async () => {
  const dir = await files.opendir("/", call());
  const seen: string[] = [];
  for (let offset = 0n; ; ) {
    // The kernel has room for two of each page.
    const page = (await dir.entries(offset, 64, call())).slice(0, 2);
    seen.push(...page.map(({ name }) => name));
    const last = page.at(-1);
    if (!last) break;
    offset = BigInt(last.offset);
  }
  assert.deepEqual(seen, names);
  assert.equal((await dir.entries(0n, 64, call()))[0]?.name, "entry-0");
});

test("a lost connection fails what is open, and the next who asks gets another", async () => {
  const file = await files.open("/stream", 0, call());
  await clients[0]?.close();
  await assert.rejects(file.read(0, 10, call()), { kind: "cut" });
  assert.equal((await files.getattr("/stream", call())).size, 8);
  assert.equal(clients.length, 2);
});

test("a hive that falls silent fails what waits within 13 seconds, and whoever asks next at once", async () => {
  const file = await files.open("/stream", 0, call());
  await file.read(0, 4096, call());
  await file.read(4, 4096, call());
  const refused = assert.rejects(file.read(8, 4096, call()), { kind: "cut" });
  await clock.advanceAsync(60_000);
  silent = true;
  await clock.advanceAsync(13_000);
  await refused;
  await assert.rejects(files.getattr("/stream", call()), { code: "mount.silent" });
  silent = false;
  await clock.advanceAsync(1000);
  assert.equal((await files.getattr("/stream", call())).size, 8);
});

test("who is interrupted waits no longer than a second for a silent hive, nor for one that lets nobody in", async () => {
  const file = await files.open("/stream", 0, call());
  silent = true;
  for (const wait of [(c: Call) => file.fsync(c), (c: Call) => files.statfs(c)]) {
    const interrupt = new AbortController();
    const refused = assert.rejects(wait(call(interrupt.signal)), /Ctrl-C/);
    interrupt.abort(new Error("Ctrl-C"));
    await clock.advanceAsync(1000);
    await refused;
  }
  await clients[0]?.close();
  const interrupt = new AbortController();
  const refused = assert.rejects(files.getattr("/stream", call(interrupt.signal)), /Ctrl-C/);
  await clock.advanceAsync(0);
  interrupt.abort(new Error("Ctrl-C"));
  await clock.advanceAsync(1000);
  await refused;
});
