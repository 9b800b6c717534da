import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobInput } from "./job.ts";
import { preview1 } from "./preview1.table.ts";
import { build, i32, i64, type Ran, run, s } from "./testing/build.ts";

type Value = number | bigint;
type Step = readonly [name: string, ...args: Value[]];

const k = (value: Value): number[] =>
  typeof value === "bigint" ? [0x42, ...s(Number(value))] : [0x41, ...s(value)];
const letter = (char: string) => (char === "i" ? i32 : i64);
const all = 0x1fff_ffffn;

/** Where things lie in the module's memory: results from 60,000 on, one byte each. */
const at = { fd: 1000, count: 1004, wide: 1008, stat: 1100, iov: 1200, data: 2000, results: 60_000 } as const;

interface Text {
  readonly place: number;
  readonly text: string;
}

/** Runs calls one after another, with texts in memory; gives the low byte of each result and what the memory then holds. */
function calls(list: readonly Step[], texts: readonly Text[], input: Partial<JobInput>) {
  const names = [...new Set([...list.map(([name]) => name), "fd_write"])];
  const types = names.map((name): [number[], number[]] => [
    [...(preview1.get(name) ?? "")].map(letter),
    [i32],
  ]);
  const code = list.flatMap(([name, ...args], n) => [
    ...[...k(at.results + n), ...args.flatMap(k), 0x10, names.indexOf(name), 0x3a, 0, 0],
  ]);
  const vector = [
    ...k(50_000),
    ...k(0),
    0x36,
    2,
    0,
    ...k(50_004),
    ...k(at.results + list.length),
    0x36,
    2,
    0,
  ];
  const write = [...k(1), ...k(50_000), ...k(1), ...k(50_008), 0x10, names.indexOf("fd_write"), 0x1a];
  const word = (value: number) => [...new Uint8Array(Uint32Array.of(value).buffer)];
  const data = [
    ...texts.map(({ place, text }) => [place, ...Buffer.from(text)]),
    [at.iov, ...word(at.data), ...word(4), ...word(at.data + 500), ...word(8)],
  ];
  const bytes = build({
    types: [[[], []], ...types],
    imports: names.map((name, n) => [name, n + 1]),
    functions: [{ type: 0, code: [...code, ...vector, ...write] }],
    memory: [0, 1],
    exports: [["_start", 0, names.length]],
    data: data.map(([place = 0, ...content]) => [0, ...k(place), 0x0b, ...s2(content.length), ...content]),
  });
  const ran: Ran = run(bytes, input);
  return { ran, errnos: [...ran.stdout.subarray(at.results, at.results + list.length)], memory: ran.stdout };
}

const s2 = (length: number): number[] => (length < 128 ? [length] : [(length & 127) | 128, length >> 7]);

/** A checkpoint called `state` and what was committed of it. */
function keeping(limit = 64, content?: string) {
  const committed: string[] = [];
  const checkpoint = {
    directory: "/checkpoint",
    name: "state",
    limit,
    ...(content === undefined ? {} : { content: Buffer.from(content) }),
    onCommit: (bytes: Uint8Array) => committed.push(Buffer.from(bytes).toString()),
  };
  return { input: { checkpoint }, committed };
}

const [state, temp] = [
  { place: 3000, text: "state" },
  { place: 3100, text: "state.new" },
];
const named = (text: Text): [number, number] => [text.place, Buffer.byteLength(text.text)];
const open = (text: Text, how = 0, rights = all, flags = 0): Step => [
  ...(["path_open", 3, 0, ...named(text), how, rights, all, flags, at.fd] as const),
];
const write = (fd: number, vectors = 1): Step => ["fd_write", fd, at.iov, vectors, at.count];
const data: Text = { place: at.data, text: "abcd" };

test("a job without a checkpoint has no directory", () => {
  const { errnos } = calls([["fd_prestat_get", 3, 0], open(state, 1)], [state], {});
  assert.deepEqual(errnos, [8, 8]);
});

test("the directory is found by its name, and no second one is", () => {
  const { input } = keeping();
  const asked: Step[] = [
    ["fd_prestat_get", 3, at.wide],
    ["fd_prestat_dir_name", 3, at.data, 11],
    ["fd_prestat_dir_name", 3, at.data, 10],
    ["fd_prestat_get", 4, at.wide],
  ];
  const { errnos, memory } = calls(asked, [], input);
  assert.deepEqual(errnos, [0, 0, 37, 8]);
  assert.deepEqual([memory[at.wide], memory.readUInt32LE(at.wide + 4)], [0, 11]);
  assert.equal(memory.toString("latin1", at.data, at.data + 11), "/checkpoint");
});

test("what counts is the file as it was closed, synced or renamed, never half of it", () => {
  const { input, committed } = keeping();
  const steps: Step[] = [
    open(state, 9),
    write(4),
    ["fd_sync", 4],
    write(4),
    ["fd_close", 4],
    open(state, 8),
    write(4),
  ];
  assert.deepEqual(calls(steps, [state, data], input).errnos, [0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(committed, ["abcd", "abcdabcd"]);
});

test("a file that is renamed onto the name counts from then on, and other names never do", () => {
  const { input, committed } = keeping(64, "old");
  const move: Step = ["path_rename", 3, ...named(temp), 3, ...named(state)];
  const steps: Step[] = [open(temp, 9), write(4), ["fd_datasync", 4], ["fd_close", 4], move, move];
  assert.deepEqual(calls(steps, [state, temp, data], input).errnos, [0, 0, 0, 0, 0, 44]);
  assert.deepEqual(committed, ["abcd"]);
});

test("what an earlier run left is read, sought and appended to, and a snapshot does not change after it was taken", () => {
  const shown: Uint8Array[] = [];
  const { input } = keeping(64, "0123456789");
  const checkpoint = { ...input.checkpoint, onCommit: (bytes: Uint8Array) => shown.push(bytes) };
  const steps: Step[] = [
    open(state, 0, all, 1),
    ["fd_seek", 4, -3n, 2, at.wide],
    ["fd_read", 4, at.iov, 1, at.count],
    write(4),
    ["fd_sync", 4],
    ["fd_pwrite", 4, at.iov, 1, 0n, at.count],
    ["fd_sync", 4],
    ["fd_tell", 4, at.wide],
    ["fd_filestat_get", 4, at.stat],
  ];
  const { errnos, memory } = calls(steps, [state], { checkpoint });
  assert.deepEqual(errnos, [0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(
    shown.map((bytes) => Buffer.from(bytes).toString()),
    ["0123456789789\0", "0123456789789\x00789\0"],
  );
  assert.equal(memory.readBigUInt64LE(at.wide), 14n);
  assert.deepEqual([memory[at.stat + 16], memory.readBigUInt64LE(at.stat + 32)], [4, 18n]);
});

const paths: readonly (readonly [path: string, errno: number])[] = [
  ["../state", 76],
  ["/checkpoint/state", 76],
  ["./../state", 76],
  ["..", 76],
  ["state/../../etc/passwd", 54],
  ["no/../../etc/passwd", 44],
  ["state/", 54],
  ["", 44],
  ["a\0b", 28],
  [`${"n".repeat(256)}`, 37],
  ["./state", 0],
];
for (const [path, errno] of paths)
  test(`opening ${JSON.stringify(path.slice(0, 30))} answers ${errno}`, () => {
    const { input } = keeping(64, "x");
    const text = { place: 3000, text: path };
    assert.deepEqual(calls([open(text, 0)], [text], input).errnos, [errno]);
  });

test("links and directories cannot be made, by any of the calls that would", () => {
  const { input } = keeping(64, "x");
  const two = [...named(state), 3, ...named(temp)] as const;
  const steps: Step[] = [
    ["path_symlink", ...named(state), 3, ...named(temp)],
    ["path_link", 3, 0, ...two],
    ["path_create_directory", 3, ...named(temp)],
    ["path_readlink", 3, ...named(state), at.data, 8, at.count],
    ["path_remove_directory", 3, ...named(state)],
    ["path_filestat_set_times", 3, 0, ...named(state), 0n, 0n, 0],
    ["path_open", 1, 0, ...named(state), 0, all, all, 0, at.fd],
    ["path_open", 9, 0, ...named(state), 0, all, all, 0, at.fd],
    ["path_rename", 3, ...named(state), 9, ...named(temp)],
  ];
  assert.deepEqual(calls(steps, [state, temp], input).errnos, [76, 76, 76, 28, 54, 76, 54, 8, 8]);
});

test("a file is never larger than its limit, however it is made so", () => {
  const { input, committed } = keeping(6);
  const steps: Step[] = [
    open(state, 1),
    write(4),
    write(4),
    write(4),
    ["fd_filestat_set_size", 4, 7n],
    ["fd_allocate", 4, 0n, 1n << 50n],
    ["fd_pwrite", 4, at.iov, 1, 1n << 50n, at.count],
    ["fd_seek", 4, 1n << 62n, 0, at.wide],
    ["fd_filestat_set_size", 4, -1n],
    ["fd_close", 4],
  ];
  assert.deepEqual(calls(steps, [state, data], input).errnos, [0, 0, 0, 22, 22, 22, 22, 28, 28, 0]);
  assert.deepEqual(committed, ["abcdab"]);
});

test("all files together have twice the limit, those without a name too", () => {
  const { input } = keeping(4);
  const fill: Step[] = [open(temp, 1), write(4), ["path_unlink_file", 3, ...named(temp)]];
  const more: Step[] = [open(temp, 1), write(5), ["path_unlink_file", 3, ...named(temp)]];
  const third: Step[] = [open(temp, 1), write(6), ["fd_close", 4], write(6)];
  assert.deepEqual(
    calls([...fill, ...more, ...third], [temp, data], input).errnos,
    [0, 0, 0, 0, 0, 0, 0, 51, 0, 0],
  );
});

test("there are four names at most, and sixteen descriptors", () => {
  const { input } = keeping();
  const texts = ["a", "b", "c", "d", "e"].map((text, n) => ({ place: 3000 + n * 8, text }));
  assert.deepEqual(
    calls(
      texts.map((text) => open(text, 1)),
      texts,
      input,
    ).errnos,
    [0, 0, 0, 0, 51],
  );
  const [first] = texts;
  assert.ok(first);
  const many = calls(
    Array.from({ length: 16 }, () => open(first, 1)),
    texts,
    input,
  ).errnos;
  assert.deepEqual(many, [...Array(15).fill(0), 33]);
});

test("endless renames and syncs end by the fuel", () => {
  const { input } = keeping(64, "x");
  const forth: Step = ["path_rename", 3, ...named(state), 3, ...named(temp)];
  const back: Step = ["path_rename", 3, ...named(temp), 3, ...named(state)];
  const steps = Array.from({ length: 400 }, (_, n) => (n % 2 === 0 ? forth : back));
  const { ran } = calls(steps, [state, temp], { ...input, fuel: 100_000n });
  assert.equal(ran.reason, "fuel");
});

test("a descriptor does what it was opened for, and a flag that asks for it syncs each write", () => {
  const { input, committed } = keeping(64, "x");
  const readOnly = all & ~(1n << 6n);
  const steps: Step[] = [
    open(state, 0, readOnly),
    write(4),
    ["fd_close", 4],
    open(state, 8, all, 16),
    write(4),
  ];
  assert.deepEqual(calls(steps, [state, data], input).errnos, [0, 76, 0, 0, 0]);
  assert.deepEqual(committed, ["abcd"]);
  const { errnos } = calls(
    [open(state, 5), open({ place: 3200, text: "." }, 2), ["fd_read", 4, at.iov, 1, at.count]],
    [state, { place: 3200, text: "." }],
    input,
  );
  assert.deepEqual(errnos, [20, 31, 8]);
});
