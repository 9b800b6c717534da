import type { FunctionType } from "./layout.ts";
import { Act, type Plan } from "./plan.ts";
import { Writer } from "./writer.ts";

/** Indices of what the injector adds to a module. */
export interface Injected {
  /** Global: fuel left, i64. */
  readonly fuel: number;
  /** Global: frames left, i64. */
  readonly frames: number;
  /** Function: pays for a length. */
  readonly pay: number;
  /** Function: memory.grow within the job's limit. */
  readonly grow: number;
  /** Type without parameters and with these results. */
  readonly blockOf: (results: readonly number[]) => number;
}

const i32 = 0x7f;
const i64 = 0x7e;
const f32 = 0x7d;
const f64 = 0x7c;
const nan32 = Uint8Array.of(0x43, 0, 0, 0xc0, 0x7f);
const nan64 = Uint8Array.of(0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f);

/** Bytes of machine stack that one frame may take to count as one. */
export const frameBytes = 640;

/** Frames that a function counts as: V8's slots are 8 bytes, and no frame holds more than its locals and operands. */
export function weightOf(locals: number, operands: number): number {
  return Math.max(1, Math.ceil((96 + 8 * (locals + operands + 6)) / frameBytes));
}

/**
 * Writes function bodies with what their plans ask for. A body that loops or calls keeps the fuel in a local: it reads it at its
 * entry and after calls, writes it before calls, at loops and at its end. Any other body pays from the global at once.
 */
export class Weaver {
  readonly #injected: Injected;
  readonly #out = new Writer(65_536);
  /** Temporary locals: fuel, frames, f32, f64. */
  #temps = 0;
  #local = false;

  constructor(injected: Injected) {
    this.#injected = injected;
  }

  /** The body as the code section holds it, without its size; valid until the next call. */
  weave(source: Uint8Array, plan: Plan): Uint8Array {
    const out = this.#out;
    const weight = weightOf(plan.locals, plan.operands);
    const framed = plan.calls || weight > 1;
    this.#temps = plan.locals;
    this.#local = framed || plan.loops;
    out.clear();
    out.u32(plan.localGroups + 3);
    out.slice(source, plan.localsFrom, plan.codeFrom);
    out.u8(2, i64, 1, f32, 1, f64);
    if (this.#local) this.#enter(plan, framed ? weight : 0);
    else this.#payGlobal(plan.entryCost);
    this.#code(source, plan);
    if (this.#local) this.#exit(framed);
    return out.view();
  }

  #op(op: number, index: number): void {
    this.#out.u8(op);
    this.#out.u32(index);
  }

  /** Takes a constant off the i64 on top. */
  #minus(cost: number): void {
    this.#out.u8(0x42);
    this.#out.signed(cost);
    this.#out.u8(0x7d);
  }

  #payGlobal(cost: number): void {
    this.#op(0x23, this.#injected.fuel);
    this.#minus(cost);
    this.#op(0x24, this.#injected.fuel);
  }

  #spend(cost: number): void {
    if (cost === 0) return;
    if (!this.#local) {
      this.#payGlobal(cost);
      return;
    }
    this.#op(0x20, this.#temps);
    this.#minus(cost);
    this.#op(0x21, this.#temps);
  }

  #check(cost: number): void {
    this.#op(0x20, this.#temps);
    this.#minus(cost);
    this.#op(0x22, this.#temps);
    this.#op(0x24, this.#injected.fuel);
    this.#op(0x20, this.#temps);
    this.#trapIfNegative();
  }

  #flush(): void {
    if (!this.#local) return;
    this.#op(0x20, this.#temps);
    this.#op(0x24, this.#injected.fuel);
  }

  #reload(): void {
    if (!this.#local) return;
    this.#op(0x23, this.#injected.fuel);
    this.#op(0x21, this.#temps);
  }

  /** Ends the run when the i64 on top is negative, with the fuel written down. */
  #trapIfNegative(): void {
    this.#out.u8(0x42, 0x00, 0x53, 0x04, 0x40);
    this.#flush();
    this.#out.u8(0x00, 0x0b);
  }

  #enter(plan: Plan, weight: number): void {
    const { fuel, frames } = this.#injected;
    const left = this.#temps + 1;
    this.#op(0x23, fuel);
    this.#minus(plan.entryCost);
    this.#op(0x21, this.#temps);
    if (weight > 0) {
      this.#op(0x23, frames);
      this.#minus(weight);
      this.#op(0x22, left);
      this.#op(0x24, frames);
      this.#op(0x20, left);
      this.#op(0x20, this.#temps);
      this.#out.u8(0x84);
      this.#trapIfNegative();
      this.#op(0x20, left);
      this.#minus(-weight);
      this.#op(0x21, left);
    }
    this.#out.u8(0x02);
    this.#blockType(plan.type);
  }

  #blockType({ results }: FunctionType): void {
    const [first] = results;
    if (first === undefined) this.#out.u8(0x40);
    else if (results.length === 1) this.#out.u8(first);
    else this.#out.signed(this.#injected.blockOf(results));
  }

  #exit(framed: boolean): void {
    this.#flush();
    if (framed) {
      this.#op(0x20, this.#temps + 1);
      this.#op(0x24, this.#injected.frames);
    }
    this.#out.u8(0x0b);
  }

  #code(source: Uint8Array, plan: Plan): void {
    const { events } = plan;
    let from = plan.codeFrom;
    for (let n = 0; n < events.length; n += 3) {
      const at = events[n] ?? 0;
      const act = events[n + 1] ?? 0;
      const value = events[n + 2] ?? 0;
      if (act === Act.none || (act === Act.leave && !this.#local)) continue;
      this.#out.slice(source, from, at);
      from = at + this.#act(act, value);
    }
    this.#out.slice(source, from, plan.codeTo);
  }

  /** Writes one insertion and tells how many bytes of the source it replaces. */
  #act(act: number, value: number): number {
    if (act === Act.leave) {
      this.#op(0x0c, value);
      return 1;
    }
    if (act === Act.grow) {
      this.#helper(this.#injected.grow);
      return value;
    }
    if (act === Act.bulk) {
      this.#out.u8(0x41, value);
      this.#helper(this.#injected.pay);
    } else this.#insert(act, value);
    return 0;
  }

  #helper(index: number): void {
    this.#flush();
    this.#op(0x10, index);
    this.#reload();
  }

  #insert(act: number, value: number): void {
    if (act === Act.spend) this.#spend(value);
    else if (act === Act.check) this.#check(value);
    else if (act === Act.flush) this.#flush();
    else if (act === Act.reload) this.#reload();
    else if (act === Act.nan32) this.#canonical(this.#temps + 2, nan32, 0x5b);
    else this.#canonical(this.#temps + 3, nan64, 0x61);
  }

  #canonical(temp: number, nan: Uint8Array, equal: number): void {
    this.#op(0x22, temp);
    this.#out.bytes(nan);
    this.#op(0x20, temp);
    this.#op(0x20, temp);
    this.#out.u8(equal, 0x1b);
  }
}

/** Body of `pay`: takes a length and a shift, gives the length back. */
export function payBody(fuel: number): Uint8Array {
  const out = new Writer(64);
  out.u8(1, 1, i64);
  out.u8(0x23);
  out.u32(fuel);
  out.u8(0x20, 0, 0xad, 0x20, 1, 0xad, 0x88, 0x7d, 0x22, 2, 0x24);
  out.u32(fuel);
  out.u8(0x20, 2, 0x42, 0, 0x53, 0x04, 0x40, 0x00, 0x0b, 0x20, 0, 0x0b);
  return out.view();
}

/** Body of `grow`: -1 beyond the limit; a trap, with the shortage noted, where only this machine has no room. */
export function growBody(limit: number, shortage: number): Uint8Array {
  const out = new Writer(64);
  out.u8(1, 1, i32);
  out.u8(0x3f, 0, 0xad, 0x20, 0, 0xad, 0x7c, 0x23);
  out.u32(limit);
  out.u8(0xad, 0x56, 0x04, 0x40, 0x41, 0x7f, 0x0f, 0x0b);
  out.u8(0x20, 0, 0x40, 0, 0x22, 1, 0x41, 0x7f, 0x46, 0x04, 0x40, 0x41, 1, 0x24);
  out.u32(shortage);
  out.u8(0x00, 0x0b, 0x20, 1, 0x0b);
  return out.view();
}
