// Writes small modules by hand, for tests alone.
import { execute, compile } from "../execute.ts";
import { admit } from "../admit.ts";
import type { ExecOutcome, JobInput } from "../job.ts";
import { Writer } from "../writer.ts";

export const i32 = 0x7f;
export const i64 = 0x7e;
export const f32 = 0x7d;
export const f64 = 0x7c;

/** Unsigned LEB128. */
export function u(value: number): number[] {
  const out = new Writer(8);
  out.u32(value);
  return [...out.view()];
}

/** Signed LEB128. */
export function s(value: number): number[] {
  const out = new Writer(16);
  out.signed(value);
  return [...out.view()];
}

export function name(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  return [...u(bytes.length), ...bytes];
}

export function section(id: number, content: readonly number[]): number[] {
  return [id, ...u(content.length), ...content];
}

export function vec(items: readonly (readonly number[])[]): number[] {
  return [...u(items.length), ...items.flat()];
}

export const header: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

export interface Func {
  readonly type: number;
  /** Groups of count and type. */
  readonly locals?: readonly (readonly [count: number, type: number])[];
  /** Instructions without the last `end`. */
  readonly code: readonly number[];
}

export interface Spec {
  /** Parameters and results; type 0 is `() -> ()` where none are given. */
  readonly types?: readonly (readonly [params: readonly number[], results: readonly number[]])[];
  /** Names in `wasi_snapshot_preview1` with their types. */
  readonly imports?: readonly (readonly [name: string, type: number])[];
  readonly functions?: readonly Func[];
  readonly table?: readonly number[];
  readonly memory?: readonly number[];
  /** Whole entries: type, mutability, constant, end. */
  readonly globals?: readonly (readonly number[])[];
  readonly exports?: readonly (readonly [name: string, kind: number, index: number])[];
  readonly start?: number;
  readonly elements?: readonly (readonly number[])[];
  readonly dataCount?: number;
  readonly data?: readonly (readonly number[])[];
}

export const type = (params: readonly number[], results: readonly number[]): number[] => [
  0x60,
  ...u(params.length),
  ...params,
  ...u(results.length),
  ...results,
];

export function body(func: Func): number[] {
  const locals = (func.locals ?? []).map(([count, kind]) => [...u(count), kind]);
  const content = [...vec(locals), ...func.code, 0x0b];
  return [...u(content.length), ...content];
}

/** A module's bytes. */
export function build(spec: Spec): Uint8Array {
  const types = spec.types ?? [[[], []]];
  const imports = spec.imports ?? [];
  const functions = spec.functions ?? [];
  const optional = (id: number, items: readonly (readonly number[])[] | undefined) =>
    items === undefined || items.length === 0 ? [] : section(id, vec(items));
  const one = (id: number, item: readonly number[] | undefined) => optional(id, item && [item]);
  return Uint8Array.from([
    ...header,
    ...optional(
      1,
      types.map(([params, results]) => type(params, results)),
    ),
    ...optional(
      2,
      imports.map(([field, index]) => [...name("wasi_snapshot_preview1"), ...name(field), 0, ...u(index)]),
    ),
    ...optional(
      3,
      functions.map((func) => u(func.type)),
    ),
    ...one(4, spec.table && [0x70, ...spec.table]),
    ...one(5, spec.memory),
    ...optional(6, spec.globals),
    ...optional(
      7,
      spec.exports?.map(([field, kind, index]) => [...name(field), kind, ...u(index)]),
    ),
    ...(spec.start === undefined ? [] : section(8, u(spec.start))),
    ...optional(9, spec.elements),
    ...(spec.dataCount === undefined ? [] : section(12, u(spec.dataCount))),
    ...optional(10, functions.map(body)),
    ...optional(11, spec.data),
  ]);
}

/** A module of one function `_start` of type 0 behind `imports`. */
export function command(
  spec: Spec & { readonly code: readonly number[] } & Pick<Func, "locals">,
): Uint8Array {
  const main: Func = { type: 0, code: spec.code, ...(spec.locals && { locals: spec.locals }) };
  const at = spec.imports?.length ?? 0;
  return build({
    ...spec,
    functions: [main, ...(spec.functions ?? [])],
    exports: [["_start", 0, at], ...(spec.exports ?? [])],
  });
}

/** What a run left behind. */
export interface Ran extends ExecOutcome {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Admits, compiles and runs. */
export function run(bytes: Uint8Array, input: Partial<JobInput> = {}): Ran {
  const out: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  const outcome = execute(compile(admit(bytes).module), {
    args: ["program"],
    env: {},
    fuel: 10_000_000n,
    memoryPages: 64,
    stdoutLimit: 65_536,
    stderrLimit: 65_536,
    startTimeMs: 1_700_000_000_000,
    seed: new Uint8Array(32),
    stdin: { read: () => new Uint8Array() },
    onOutput: (stream, chunk) => out[stream].push(chunk),
    ...input,
  });
  return { ...outcome, stdout: Buffer.concat(out.stdout), stderr: Buffer.concat(out.stderr) };
}
