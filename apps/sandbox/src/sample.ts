import { admit } from "@skep/wasm";
import { encode, frame } from "./frames.ts";
import type { RunHeader } from "./header.ts";

const calls = [
  ["args_sizes_get", 1],
  ["args_get", 1],
  ["fd_fdstat_get", 1],
  ["fd_read", 2],
  ["fd_write", 2],
  ["proc_exit", 3],
] as const;

// Everything here is shorter than 128 bytes or of two-byte length, and every address below 64.
function length(size: number): number[] {
  return size < 128 ? [size] : [(size & 127) | 128, size >> 7];
}

function section(id: number, body: readonly number[]): number[] {
  return [id, ...length(body.length), ...body];
}

const text = (value: string) => [value.length, ...Buffer.from(value)];
const i32 = 0x7f;

/** Calls a function of the host with small numbers. */
function call(name: (typeof calls)[number][0], ...numbers: readonly number[]): number[] {
  const at = calls.findIndex(([other]) => other === name);
  return [...numbers.flatMap((number) => [0x41, number]), 0x10, at, ...(name === "proc_exit" ? [] : [0x1a])];
}

const store = (at: number, ...value: readonly number[]) => [0x41, at, ...value, 0x36, 2, 0];

/** Asks for its arguments, writes what it reads to both streams, and exits: what most programs do. */
function sampleModule(): Uint8Array {
  const types = [[], [i32, i32], [i32, i32, i32, i32], [i32]].map((takes, n) => {
    const gives = n === 1 || n === 2 ? [i32] : [];
    return [0x60, takes.length, ...takes, gives.length, ...gives];
  });
  const imports = calls.map(([name, type]) => [...text("wasi_snapshot_preview1"), ...text(name), 0, type]);
  const body = [
    ...[0, ...call("args_sizes_get", 0, 4), ...call("args_get", 24, 32), ...call("fd_fdstat_get", 1, 32)],
    ...[...store(8, 0x41, 48), ...store(12, 0x41, 16), ...call("fd_read", 0, 8, 1, 16)],
    ...[
      ...store(12, 0x41, 16, 0x28, 2, 0),
      ...call("fd_write", 1, 8, 1, 20),
      ...call("fd_write", 2, 8, 1, 20),
    ],
    ...[...call("fd_read", 0, 8, 1, 16), ...call("proc_exit", 0), 0x0b],
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [types.length, ...types.flat()]),
    ...section(2, [imports.length, ...imports.flat()]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...text("memory"), 2, 0, ...text("_start"), 0, calls.length]),
    ...section(10, [1, ...length(body.length), ...body]),
  ]);
}

/** What a pool sends to a runner for a small job of our own: by it one learns what a job makes the engine compile. */
export function sampleFrames(): Buffer {
  const digest = "00".repeat(32);
  const header: RunHeader = {
    ...{ digest, args: ["sample"], env: {}, fuel: "1000000", memoryPages: 1 },
    ...{ stdoutLimit: 4096, stderrLimit: 4096, startTimeMs: 0, seed: "00" },
  };
  const { module } = admit(sampleModule());
  return Buffer.concat([
    ...encode(frame.module, Buffer.concat([Buffer.from(digest, "hex"), module])),
    ...encode(frame.run, Buffer.from(JSON.stringify(header))),
    ...encode(frame.data, Buffer.from("sample")),
    ...encode(frame.end, new Uint8Array(0)),
  ]);
}
