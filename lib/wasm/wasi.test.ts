import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { JobInput } from "./job.ts";
import { preview1 } from "./preview1.table.ts";
import { build, i32, i64, type Ran, run, s } from "./testing/build.ts";

type Value = number | bigint;
const k = (value: Value): number[] =>
  typeof value === "bigint" ? [0x42, ...s(Number(value))] : [0x41, ...s(value)];
const letter = (char: string) => (char === "i" ? i32 : i64);

/**
 * Runs WASI calls one after another in a module with one page of memory, and writes each result's low byte into memory from `at` on;
 * at the end the bytes `from` to `to` of the memory go to stdout.
 */
function calls(
  list: readonly (readonly [name: string, ...args: Value[]])[],
  dump: readonly [from: number, to: number],
  input: Partial<JobInput> = {},
  data: readonly (readonly number[])[] = [],
): Ran {
  const names = [...new Set([...list.map(([name]) => name), "fd_write"])];
  const types = names.map((name): [number[], number[]] => [
    [...(preview1.get(name) ?? "")].map(letter),
    name === "proc_exit" ? [] : [i32],
  ]);
  const code = list.flatMap(([name, ...args], n) => {
    const call = [...args.flatMap(k), 0x10, names.indexOf(name)];
    return name === "proc_exit" ? call : [...k(60_000 + n), ...call, 0x3a, 0, 0];
  });
  const [from, to] = dump;
  const vector = [...k(50_000), ...k(from), 0x36, 2, 0, ...k(50_004), ...k(to - from), 0x36, 2, 0];
  const write = [...k(1), ...k(50_000), ...k(1), ...k(50_008), 0x10, names.indexOf("fd_write"), 0x1a];
  const bytes = build({
    types: [[[], []], ...types],
    imports: names.map((name, n) => [name, n + 1]),
    functions: [{ type: 0, code: [...code, ...vector, ...write] }],
    memory: [0, 1],
    exports: [["_start", 0, names.length]],
    data: data.map(([at = 0, ...content]) => [0, ...k(at), 0x0b, content.length, ...content]),
  });
  return run(bytes, input);
}

/** The errno of each call. */
function errnos(
  list: readonly (readonly [name: string, ...args: Value[]])[],
  input: Partial<JobInput> = {},
): number[] {
  return [...calls(list, [60_000, 60_000 + list.length], input).stdout];
}

const words = (...values: readonly number[]) => [...new Uint8Array(Uint32Array.from(values).buffer)];

test("arguments and environment arrive as given, the environment in order of its names", () => {
  const input = { args: ["a", "ü"], env: { Z: "1", A: "x y" } };
  const sizes = calls(
    [
      ["args_sizes_get", 0, 4],
      ["environ_sizes_get", 8, 12],
    ],
    [0, 16],
    input,
  ).stdout;
  assert.deepEqual([...sizes], words(2, 5, 2, 10));
  const { stdout } = calls(
    [
      ["args_get", 0, 100],
      ["environ_get", 8, 200],
    ],
    [0, 300],
    input,
  );
  assert.deepEqual([...stdout.subarray(0, 16)], words(100, 102, 200, 206));
  assert.equal(stdout.toString("utf8", 100, 105), "a\0ü\0");
  assert.equal(stdout.toString("utf8", 200, 210), "A=x y\0Z=1\0");
});

test("a zero byte in an argument and a bad name in the environment are refused", () => {
  assert.throws(() => calls([], [0, 1], { args: ["a\0b"] }), { code: "wasm.input" });
  assert.throws(() => calls([], [0, 1], { env: { "a=b": "" } }), { code: "wasm.input" });
  assert.throws(() => calls([], [0, 1], { memoryPages: -1 }), { code: "wasm.input" });
});

test("the clock starts at the manifest's time and moves with the fuel and with sleeping alone", () => {
  const second = 1_000_000_000n;
  const subscription = [...words(7, 0), 0, 0, 0, 0, 0, 0, 0, 0, ...words(1, 0), ...words(1_000_000_000, 0)];
  const ran = calls(
    [
      ["clock_time_get", 0, 0n, 0],
      ["poll_oneoff", 100, 200, 1, 300],
      ["clock_time_get", 0, 0n, 8],
      ["clock_time_get", 1, 0n, 16],
      ["clock_time_get", 2, 0n, 24],
      ["clock_res_get", 0, 32],
    ],
    [0, 304],
    {},
    [[100, ...subscription]],
  );
  const at = (offset: number) => ran.stdout.readBigUInt64LE(offset);
  const start = 1_700_000_000_000n * 1_000_000n;
  assert.ok(at(0) > start && at(0) < start + 2_000n);
  assert.ok(at(8) - at(0) > second && at(8) - at(0) < second + 5_000n);
  assert.ok(at(16) > second && at(16) < second + 5_000n);
  assert.ok(at(24) > 0n && at(24) < 10_000n);
  assert.equal(at(32), 1n);
  assert.deepEqual([at(200), ran.stdout.readUInt16LE(208), ran.stdout.readUInt32LE(300)], [7n, 0, 1]);
  const again = calls([["clock_time_get", 0, 0n, 0]], [0, 8]);
  assert.deepEqual(again.stdout, calls([["clock_time_get", 0, 0n, 0]], [0, 8]).stdout);
});

test("random bytes are SHA-256 over seed and counter, however they are asked for", () => {
  const seed = Uint8Array.from([1, 2, 3]);
  const whole = calls([["random_get", 0, 40]], [0, 40], { seed }).stdout;
  const parts = calls(
    [
      ["random_get", 0, 7],
      ["random_get", 7, 33],
    ],
    [0, 40],
    { seed },
  ).stdout;
  const key = createHash("sha256").update("skep:wasm:random:1").update(seed).digest();
  const block = (n: number) =>
    createHash("sha256")
      .update(key)
      .update(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n))
      .digest();
  assert.deepEqual(whole, Buffer.concat([block(0), block(1)]).subarray(0, 40));
  assert.deepEqual(parts, whole);
  assert.notDeepEqual(calls([["random_get", 0, 40]], [0, 40]).stdout, whole);
});

/** A source that gives at most `step` bytes at once. */
function dripping(text: string, step: number) {
  let rest = Buffer.from(text);
  return {
    read: (max: number) => {
      const part = rest.subarray(0, Math.min(step, max));
      rest = rest.subarray(part.length);
      return part;
    },
  };
}

test("fd_read fills all buffers unless the input ends", () => {
  const vectors = [400, ...words(0, 5, 10, 6)];
  const ran = calls(
    [
      ["fd_read", 0, 400, 2, 100],
      ["fd_read", 0, 400, 2, 104],
      ["fd_read", 0, 400, 2, 108],
    ],
    [0, 112],
    { stdin: dripping("abcdefghijklmnopqr", 2) },
    [vectors],
  );
  assert.deepEqual([...ran.stdout.subarray(100, 112)], words(11, 7, 0));
  assert.equal(ran.stdout.toString("utf8", 0, 5), "lmnop");
  assert.equal(ran.stdout.toString("utf8", 10, 16), "qrhijk");
});

test("output is delivered to the last byte of its limit, and one more ends the job", () => {
  const vectors = [400, ...words(0, 60, 0, 40)];
  const write = (stdoutLimit: number) =>
    calls([["fd_write", 1, 400, 2, 300]], [0, 1], { stdoutLimit, stderrLimit: 0 }, [vectors]);
  const over = write(99);
  assert.deepEqual(
    [over.reason, over.stdoutBytes, over.stdout.length, over.exitCode, over.message],
    ["output", 99, 99, null, "stdout is over its limit of 99 bytes"],
  );
  assert.deepEqual([write(101).reason, write(101).stdoutBytes], ["exit", 101]);
  const error = calls([["fd_write", 2, 400, 1, 300]], [0, 1], { stderrLimit: 10 }, [vectors]);
  assert.deepEqual([error.reason, error.stderr.length], ["output", 10]);
});

test("the exit code is the module's own, as an unsigned number", () => {
  for (const code of [0, 3, 255, -1])
    assert.deepEqual(calls([["proc_exit", code]], [0, 1]).exitCode, code >>> 0);
});

test("pointers outside of the memory are EFAULT in every function that takes one", () => {
  const far = 65_533;
  assert.deepEqual(
    errnos([
      ["args_get", far, 0],
      ["args_sizes_get", 0, far],
      ["environ_sizes_get", far, 0],
      ["clock_time_get", 0, 0n, far],
      ["clock_res_get", 0, -1],
      ["fd_read", 0, far, 1, 0],
      ["fd_read", 0, 0, 1, far],
      ["fd_write", 1, far, 1, 0],
      ["fd_write", 1, 0, 1, -4],
      ["fd_fdstat_get", 1, far],
      ["fd_filestat_get", 1, far],
      ["random_get", far, 9],
      ["random_get", 0, -1],
      ["poll_oneoff", far, 0, 1, 0],
      ["poll_oneoff", 0, far, 1, 0],
      ["poll_oneoff", 0, 0, 1, far],
    ]),
    Array.from({ length: 16 }, () => 21),
  );
});

test("descriptors are three pipes until they are closed, and nothing else is open", () => {
  assert.deepEqual(
    errnos([
      ["fd_seek", 1, 0n, 0, 0],
      ["fd_tell", 1, 0],
      ["fd_pread", 0, 0, 0, 0n, 0],
      ["fd_prestat_get", 3, 0],
      ["fd_prestat_dir_name", 3, 0, 9],
      ["path_open", 3, 0, 0, 0, 0, 0n, 0n, 0, 0],
      ["fd_read", 3, 0, 0, 0],
      ["fd_read", 1, 0, 0, 0],
      ["fd_write", 0, 0, 0, 0],
      ["fd_write", -1, 0, 0, 0],
      ["fd_fdstat_set_flags", 1, 4],
      ["fd_fdstat_set_flags", 1, 99],
      ["fd_close", 2],
      ["fd_close", 2],
      ["fd_write", 2, 0, 0, 0],
      ["sock_recv", 0, 0, 0, 0, 0, 0],
      ["proc_raise", 6],
      ["fd_renumber", 0, 1],
      ["sched_yield"],
      ["fd_readdir", 0, 0, 0, 0n, 0],
      ["clock_time_get", 9, 0n, 0],
      ["poll_oneoff", 0, 0, 0, 0],
      ["fd_write", 1, 0, 1_025, 0],
    ]),
    [70, 70, 70, 8, 8, 8, 8, 8, 8, 8, 0, 28, 0, 8, 8, 57, 52, 52, 0, 54, 28, 28, 28],
  );
});

test("every function of the list can be called with zeros and answers", () => {
  for (const [name, params] of preview1) {
    if (name === "proc_exit") continue;
    const args = [...params].map((char) => (char === "I" ? 0n : 0));
    const ran = calls([[name, ...args]], [60_000, 60_001]);
    assert.equal(ran.reason, "exit", name);
  }
});

test("host calls cost fuel, so that none can be repeated for ever", () => {
  const two = calls([["sched_yield"], ["sched_yield"]], [0, 1]).fuelUsed;
  const one = calls([["sched_yield"]], [0, 1]).fuelUsed;
  assert.ok(two - one > 500n);
  const greedy = calls([["random_get", 0, 65_536]], [0, 1], { fuel: 100_000n });
  assert.deepEqual([greedy.reason, greedy.fuelUsed], ["fuel", 100_000n]);
});

test("what stdin throws is passed on", () => {
  const broken = {
    read: () => {
      throw new Error("disk is gone");
    },
  };
  assert.throws(
    () => calls([["fd_read", 0, 400, 1, 0]], [0, 1], { stdin: broken }, [[400, ...words(0, 4)]]),
    /disk is gone/,
  );
});
