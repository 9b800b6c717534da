import { fault } from "./fault.ts";
import { functionCount, type Layout, typeOfFunction } from "./layout.ts";
import { meter, names, type Note } from "./note.ts";
import { Reader } from "./reader.ts";
import { Scanner } from "./scanner.ts";
import { growBody, type Injected, payBody, Weaver } from "./weaver.ts";
import { Writer } from "./writer.ts";

/** Types that the injector adds: results that blocks need, and those of its two functions. */
class AddedTypes {
  readonly #first: number;
  readonly #blocks = new Map<string, number>();
  readonly #out = new Writer(64);
  count = 0;

  constructor(first: number) {
    this.#first = first;
  }

  add(params: readonly number[], results: readonly number[]): number {
    this.#out.u8(0x60);
    for (const types of [params, results]) {
      this.#out.u32(types.length);
      this.#out.u8(...types);
    }
    return this.#first + this.count++;
  }

  blockOf(results: readonly number[]): number {
    const key = results.join();
    const known = this.#blocks.get(key) ?? this.add([], results);
    this.#blocks.set(key, known);
    return known;
  }

  view(): Uint8Array {
    return this.#out.view();
  }
}

const i32 = 0x7f;

/** Scans and weaves every function, and writes the module anew: nothing of it but what was read is kept. */
export function assemble(layout: Layout): { module: Uint8Array; features: string[] } {
  const added = new AddedTypes(layout.types.length);
  const payType = added.add([i32, i32], [i32]);
  const growType = added.add([i32], [i32]);
  const functions = functionCount(layout);
  const injected: Injected = {
    tally: layout.globals.length,
    pay: functions,
    grow: functions + 1,
    blockOf: (results) => added.blockOf(results),
  };
  const { code, features } = weaveAll(layout, injected);
  const out = new Writer(layout.bytes.length * 2);
  out.u8(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  const helpers = new Writer(16);
  helpers.u32(payType);
  if (layout.memory) helpers.u32(growType);
  list(out, layout, 1, added.count, added.view());
  list(out, layout, 2);
  list(out, layout, 3, layout.memory ? 2 : 1, helpers.view());
  list(out, layout, 4);
  list(out, layout, 5);
  list(out, layout, 6, 3, addedGlobals());
  section(out, 7, exportsOf(layout));
  list(out, layout, 9);
  if (layout.dataCount !== null) section(out, 12, count(layout.dataCount));
  section(out, 10, code);
  list(out, layout, 11);
  section(out, 0, note(layout));
  return { module: out.view().slice(), features };
}

function weaveAll(layout: Layout, injected: Injected): { code: Uint8Array; features: string[] } {
  const code = new Writer(layout.bytes.length * 2);
  const scanner = new Scanner(layout, new Reader(layout.bytes, 0, 0, "module"));
  const weaver = new Weaver(injected);
  const most = layout.bounds.codeBytes;
  code.u32(layout.functions.length + (layout.memory ? 2 : 1));
  for (const [n, body] of layout.bodies.entries()) {
    const type = typeOfFunction(layout, layout.imports.length + n);
    if (!type) throw fault.index(body.where());
    const woven = weaver.weave(layout.bytes, scanner.scan(body, type));
    code.u32(woven.length);
    code.bytes(woven);
    if (code.length > most) throw fault.bound(`instrumented code, at most ${most} bytes, ${body.where()}`);
  }
  const helpers = [payBody(injected.tally)];
  if (layout.memory) helpers.push(growBody(injected.tally + 1, injected.tally + 2));
  for (const body of helpers) {
    code.u32(body.length);
    code.bytes(body);
  }
  return { code: code.view(), features: featuresOf(layout, scanner.seen) };
}

function featuresOf(layout: Layout, seen: Uint8Array): string[] {
  const within = (from: number, to: number) => seen.subarray(from, to + 1).includes(1);
  if (within(0xc0, 0xc4)) layout.features.add("sign-extension");
  if (within(256, 263)) layout.features.add("saturating-float-to-int");
  if (within(264, 270)) layout.features.add("bulk-memory");
  return [...layout.features].sort();
}

function section(out: Writer, id: number, content: Uint8Array): void {
  out.u8(id);
  out.u32(content.length);
  out.bytes(content);
}

/** A list of the source, with further things behind it. */
function list(
  out: Writer,
  layout: Layout,
  id: number,
  further = 0,
  bytes: Uint8Array = new Uint8Array(),
): void {
  const span = layout.spans.get(id) ?? { count: 0, from: 0, to: 0 };
  if (span.count + further === 0) return;
  const content = new Writer(span.to - span.from + bytes.length + 8);
  content.u32(span.count + further);
  content.bytes(layout.bytes.subarray(span.from, span.to));
  content.bytes(bytes);
  section(out, id, content.view());
}

function count(value: number): Uint8Array {
  const out = new Writer(8);
  out.u32(value);
  return out.view();
}

/** The tally as i64, the limit and the shortage as i32, all mutable. */
function addedGlobals(): Uint8Array {
  const out = new Writer(32);
  for (const [type, constant] of [
    [0x7e, 0x42],
    [0x7f, 0x41],
    [0x7f, 0x41],
  ] as const)
    out.u8(type, 1, constant, 0, 0x0b);
  return out.view();
}

function exportsOf(layout: Layout): Uint8Array {
  const first = layout.globals.length;
  const rows: (readonly [name: string, kind: number, index: number])[] = [
    [names.tally, 3, first],
    [names.limit, 3, first + 1],
    [names.shortage, 3, first + 2],
  ];
  if (layout.memory) rows.push([names.memory, 2, 0]);
  if (layout.start !== null) rows.push([names.start, 0, layout.start]);
  if (layout.entry !== null) rows.push([names.entry, 0, layout.entry]);
  const out = new Writer(256);
  out.u32(rows.length);
  for (const [name, kind, index] of rows) {
    out.name(name);
    out.u8(kind);
    out.u32(index);
  }
  return out.view();
}

function note(layout: Layout): Uint8Array {
  const { memory } = layout;
  const value: Note = { meter, minPages: memory?.min ?? 0, maxPages: memory?.max ?? null };
  const out = new Writer(256);
  out.name(names.note);
  out.bytes(new TextEncoder().encode(JSON.stringify(value)));
  return out.view();
}
