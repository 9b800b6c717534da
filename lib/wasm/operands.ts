import type { AdmitBounds } from "./bounds.ts";
import { fault } from "./fault.ts";
import type { FunctionType } from "./layout.ts";
import { Act } from "./plan.ts";
import type { Reader } from "./reader.ts";

/**
 * Heights of the operand stack and the open blocks of one function. It also knows which operand waits to be made canonical, so
 * that the event is withdrawn when the only instruction that takes the operand does not see the bits of a NaN.
 */
export class OperandStack {
  readonly #bounds: AdmitBounds;
  readonly #events: number[];
  #reader: Reader | undefined;
  #height = 0;
  /** Operands below this index wait for nothing. */
  #floor = 0;
  /** Event of each operand that waits, else -1. */
  readonly #waiting: number[] = [];
  readonly #ops: number[] = [];
  readonly #bases: number[] = [];
  readonly #types: FunctionType[] = [];
  readonly #dead: boolean[] = [];
  #base = 0;
  #unreachable = false;
  most = 0;

  constructor(bounds: AdmitBounds, events: number[]) {
    this.#bounds = bounds;
    this.#events = events;
  }

  /** Open blocks, the function's own included. */
  get depth(): number {
    return this.#ops.length;
  }

  reset(reader: Reader, type: FunctionType): void {
    this.#reader = reader;
    this.#height = 0;
    this.#floor = 0;
    this.most = 0;
    this.#unreachable = false;
    for (const list of [this.#ops, this.#bases, this.#types, this.#dead]) list.length = 0;
    this.open(0x02, { params: [], results: type.results });
  }

  pop(count: number, blind: boolean): void {
    for (let n = 0; n < count; n++) {
      if (this.#height <= this.#base) {
        if (this.#unreachable) return;
        throw fault.stack(this.#reader?.where());
      }
      this.#height--;
      const event = this.#height >= this.#floor ? (this.#waiting[this.#height] ?? -1) : -1;
      if (blind && event >= 0) this.#events[event + 1] = Act.none;
    }
    if (this.#floor > this.#height) this.#floor = this.#height;
  }

  push(count: number): void {
    for (let n = 0; n < count; n++) this.#waiting[this.#height + n] = -1;
    this.#height += count;
    if (this.#height > this.most) this.most = this.#height;
    if (this.#height > this.#bounds.operands)
      throw fault.bound(`operands, at most ${this.#bounds.operands}, ${this.#reader?.where()}`);
  }

  /** The operand on top waits for the event at this index. */
  marksTop(event: number): void {
    this.#waiting[this.#height - 1] = event;
  }

  open(op: number, type: FunctionType): void {
    if (this.depth > this.#bounds.nesting)
      throw fault.bound(`nested blocks, at most ${this.#bounds.nesting}, ${this.#reader?.where()}`);
    this.pop(type.params.length, false);
    this.#ops.push(op);
    this.#bases.push(this.#height);
    this.#types.push(type);
    this.#dead.push(this.#unreachable);
    this.#base = this.#height;
    this.#unreachable = false;
    this.push(type.params.length);
    this.#floor = this.#height;
  }

  otherwise(): void {
    const top = this.depth - 1;
    if (this.#ops[top] !== 0x04) throw fault.malformed(`else without if, ${this.#reader?.where()}`);
    this.#ops[top] = 0x05;
    this.#height = this.#base;
    this.#unreachable = false;
    this.push(this.#types[top]?.params.length ?? 0);
    this.#floor = this.#height;
  }

  close(): void {
    const type = this.#types.pop();
    this.#ops.pop();
    this.#height = this.#bases.pop() ?? 0;
    this.#unreachable = this.#dead.pop() ?? false;
    this.#base = this.#bases.at(-1) ?? 0;
    this.push(type?.results.length ?? 0);
    this.#floor = this.#height;
  }

  /** A conditional branch sees the operands that its label takes, and leaves them. */
  forward(label: number): void {
    const at = this.depth - 1 - label;
    const type = this.#types[at];
    const count = (this.#ops[at] === 0x03 ? type?.params.length : type?.results.length) ?? 0;
    this.pop(count, false);
    this.push(count);
    this.#floor = this.#height;
  }

  makeUnreachable(): void {
    this.#height = this.#base;
    this.#floor = Math.min(this.#floor, this.#height);
    this.#unreachable = true;
  }
}
