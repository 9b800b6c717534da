import type { FunctionType } from "./layout.ts";
import { Act, type Plan } from "./plan.ts";
import { fuelShift, overMask, payment, weightOf } from "./tally.ts";
import { Writer } from "./writer.ts";

/** Indices of what the injector adds to a module. */
export interface Injected {
  /** Global: fuel left and frames open in one i64, see `tally.ts`. */
  readonly tally: number;
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

/**
 * Writes function bodies with what their plans ask for. A body that loops or calls keeps the tally in a local: it reads it at its
 * entry and after calls, writes it before calls, at loops and at its end. Any other body pays from the global at once.
 */
export class Weaver {
  readonly #injected: Injected;
  readonly #out = new Writer(65_536);
  /** Temporary locals: tally, f32, f64. */
  #temps = 0;
  #local = false;
  /** Frames that the body counts as; 0 for one that calls nothing. */
  #weight = 0;

  constructor(injected: Injected) {
    this.#injected = injected;
  }

  /** The body as the code section holds it, without its size; valid until the next call. */
  weave(source: Uint8Array, plan: Plan): Uint8Array {
    const out = this.#out;
    const weight = weightOf(plan.locals, plan.operands);
    this.#weight = plan.calls || weight > 1 ? weight : 0;
    this.#temps = plan.locals;
    this.#local = this.#weight > 0 || plan.loops;
    out.clear();
    out.u32(plan.localGroups + 3);
    out.slice(source, plan.localsFrom, plan.codeFrom);
    out.u8(1, i64, 1, f32, 1, f64);
    if (this.#local) this.#enter(plan);
    else this.#payGlobal(plan.entryCost);
    this.#code(source, plan);
    if (this.#local) this.#exit();
    return out.view();
  }

  #op(op: number, index: number): void {
    this.#out.u8(op);
    this.#out.u32(index);
  }

  /** Adds a constant to the i64 on top. */
  #plus(value: number): void {
    this.#out.u8(0x42);
    this.#out.signed(value);
    this.#out.u8(0x7c);
  }

  #payGlobal(cost: number): void {
    this.#op(0x23, this.#injected.tally);
    this.#plus(-payment(cost));
    this.#op(0x24, this.#injected.tally);
  }

  #spend(cost: number): void {
    if (cost === 0) return;
    if (!this.#local) {
      this.#payGlobal(cost);
      return;
    }
    this.#op(0x20, this.#temps);
    this.#plus(-payment(cost));
    this.#op(0x21, this.#temps);
  }

  #check(cost: number): void {
    this.#op(0x20, this.#temps);
    this.#plus(-payment(cost));
    this.#op(0x22, this.#temps);
    this.#op(0x24, this.#injected.tally);
    this.#op(0x20, this.#temps);
    this.#out.u8(0x42, 0x00, 0x53);
    this.#trapIf();
  }

  #flush(): void {
    if (!this.#local) return;
    this.#op(0x20, this.#temps);
    this.#op(0x24, this.#injected.tally);
  }

  #reload(): void {
    if (!this.#local) return;
    this.#op(0x23, this.#injected.tally);
    this.#op(0x21, this.#temps);
  }

  /** Ends the run when the i32 on top is not zero, with the tally written down. */
  #trapIf(): void {
    this.#out.u8(0x04, 0x40);
    this.#flush();
    this.#out.u8(0x00, 0x0b);
  }

  #enter(plan: Plan): void {
    this.#op(0x23, this.#injected.tally);
    this.#plus(this.#weight - payment(plan.entryCost));
    if (this.#weight === 0) this.#op(0x21, this.#temps);
    else {
      this.#op(0x22, this.#temps);
      this.#out.u8(0x42);
      this.#out.signed64(overMask);
      this.#out.u8(0x83, 0x42, 0x00, 0x52);
      this.#trapIf();
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

  #exit(): void {
    this.#op(0x20, this.#temps);
    if (this.#weight > 0) this.#plus(-this.#weight);
    this.#op(0x24, this.#injected.tally);
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
    else if (act === Act.nan32) this.#canonical(this.#temps + 1, nan32, 0x5b);
    else this.#canonical(this.#temps + 2, nan64, 0x61);
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
export function payBody(tally: number): Uint8Array {
  const out = new Writer(64);
  out.u8(1, 1, i64, 0x23);
  out.u32(tally);
  out.u8(0x20, 0, 0xad, 0x20, 1, 0xad, 0x88, 0x42, fuelShift, 0x86, 0x7d, 0x22, 2, 0x24);
  out.u32(tally);
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
