import { fault } from "./fault.ts";
import { type FunctionType, functionCount, type Layout, typeOfFunction } from "./layout.ts";
import {
  blindToNan,
  costOf,
  featureOf,
  flagsOf,
  Imm,
  immOf,
  makesNan32,
  popsOf,
  pushesOf,
} from "./opcodes.table.ts";
import { OperandStack } from "./operands.ts";
import { Act, type Plan } from "./plan.ts";
import type { Reader } from "./reader.ts";
import { zero } from "./segments.ts";
import { valueType } from "./value-type.ts";

const empty: FunctionType = { params: [], results: [] };

/** Walks function bodies once, checks every index in them, and notes where the weaver has to act. */
export class Scanner {
  readonly #layout: Layout;
  readonly #functions: number;
  readonly #stack: OperandStack;
  readonly #events: number[] = [];
  #reader: Reader;
  #locals = 0;
  #calls = false;
  #loops = false;
  #controls = 0;
  #entryCost = 0;
  /** Where the cost of the present straight piece of code is noted; -1 is the entry, -2 nowhere. */
  #segment = -1;
  #cost = 0;
  #localsLeft: number;
  #targetsLeft: number;
  #mergesLeft: number;
  /** Opcodes that occur; those after 0xfc from 256 on. */
  readonly seen = new Uint8Array(512);

  constructor(layout: Layout, reader: Reader) {
    this.#layout = layout;
    this.#reader = reader;
    this.#functions = functionCount(layout);
    this.#stack = new OperandStack(layout.bounds, this.#events);
    this.#localsLeft = layout.bounds.allLocals;
    this.#targetsLeft = layout.bounds.allBranchTargets;
    this.#mergesLeft = layout.bounds.merges;
  }

  scan(reader: Reader, type: FunctionType): Plan {
    this.#reader = reader;
    this.#events.length = 0;
    this.#calls = false;
    this.#loops = false;
    this.#controls = 0;
    this.#segment = -1;
    const groups = reader.count("groups of locals", this.#layout.bounds.locals);
    const localsFrom = reader.at;
    this.#readLocals(groups, type.params.length);
    const codeFrom = reader.at;
    this.#cost = 1 + (this.#locals >> 2);
    this.#stack.reset(reader, type);
    while (this.#stack.depth > 0) this.#step();
    reader.finish();
    this.#flush();
    this.#payMerges();
    return {
      type,
      localsFrom,
      codeFrom,
      codeTo: reader.end,
      localGroups: groups,
      locals: this.#locals,
      operands: this.#stack.most,
      calls: this.#calls,
      loops: this.#loops,
      entryCost: this.#entryCost,
      events: this.#events,
    };
  }

  #readLocals(groups: number, params: number): void {
    const { locals: most, allLocals } = this.#layout.bounds;
    let total = params;
    for (let n = 0; n < groups; n++) {
      const at = this.#reader.at;
      total += this.#reader.u32();
      if (total > most) throw fault.bound(`${total} locals, at most ${most}, ${this.#reader.where(at)}`);
      valueType(this.#reader);
    }
    this.#locals = total;
    this.#localsLeft -= total;
    if (this.#localsLeft < 0)
      throw fault.bound(`locals of all functions, at most ${allLocals}, ${this.#reader.where()}`);
  }

  #payMerges(): void {
    this.#mergesLeft -= (this.#locals + this.#stack.most) * this.#controls;
    if (this.#mergesLeft < 0)
      throw fault.bound(`merges of locals, at most ${this.#layout.bounds.merges}, ${this.#reader.where()}`);
  }

  #note(at: number, act: number, value: number): void {
    this.#events.push(at, act, value);
  }

  #flush(): void {
    if (this.#segment === -1) this.#entryCost = this.#cost;
    else if (this.#segment >= 0) this.#events[this.#segment + 2] = this.#cost;
    this.#cost = 0;
    this.#segment = -2;
  }

  /** A new straight piece of code begins at the cursor. */
  #begin(act: number, cost = 0): void {
    this.#flush();
    this.#segment = this.#events.length;
    this.#cost = cost;
    this.#note(this.#reader.at, act, 0);
  }

  /** What follows is not reached. */
  #stop(): void {
    this.#flush();
    this.#stack.makeUnreachable();
  }

  #step(): void {
    const reader = this.#reader;
    const at = reader.at;
    const op = reader.u8();
    const imm = immOf[op] ?? 0;
    this.seen[op] = 1;
    this.#cost += costOf[op] ?? 1;
    if (imm === Imm.refused) this.#refuse(op, at);
    if (imm === Imm.control) {
      this.#control(op, at);
      return;
    }
    if (imm !== Imm.none) this.#immediate(imm);
    if (op === 0x40) this.#note(at, Act.grow, reader.at - at);
    this.#apply(op);
  }

  #refuse(op: number, at: number): never {
    const where = this.#reader.where(at);
    if (op === 0xfd) throw fault.simd(where);
    if (op === 0xfe) throw fault.shared(`atomics, ${where}`);
    throw fault.feature(`${featureOf(op)}, ${where}`);
  }

  #apply(op: number): void {
    const flags = flagsOf[op] ?? 0;
    this.#stack.pop(popsOf[op] ?? 0, (flags & blindToNan) !== 0);
    this.#stack.push(pushesOf[op] ?? 0);
    if ((flags & 3) === 0) return;
    this.#stack.marksTop(this.#events.length);
    this.#note(this.#reader.at, (flags & makesNan32) !== 0 ? Act.nan32 : Act.nan64, 0);
  }

  #immediate(imm: number): void {
    const reader = this.#reader;
    if (imm === Imm.local) this.#index("local", this.#locals);
    else if (imm === Imm.global) this.#index("global", this.#layout.globals.length);
    else if (imm === Imm.memarg) this.#memarg();
    else if (imm === Imm.memory) this.#memory();
    else if (imm === Imm.i32) reader.skipSigned(32);
    else if (imm === Imm.i64) reader.skipSigned(64);
    else reader.skip(imm === Imm.f32 ? 4 : 8);
  }

  #index(what: string, count: number): number {
    const at = this.#reader.at;
    const index = this.#reader.u32();
    if (index >= count) throw fault.index(`${what} ${index}, ${this.#reader.where(at)}`);
    return index;
  }

  #memarg(): void {
    const at = this.#reader.at;
    const align = this.#reader.u32();
    if (align >= 64) throw fault.feature(`multiple memories, ${this.#reader.where(at)}`);
    this.#reader.u32();
    if (!this.#layout.memory) throw fault.index(`memory 0, ${this.#reader.where(at)}`);
  }

  #memory(): void {
    zero(this.#reader, "memory");
    if (!this.#layout.memory) throw fault.index(`memory 0, ${this.#reader.where()}`);
  }

  #table(): void {
    zero(this.#reader, "table");
    if (!this.#layout.table) throw fault.index(`table 0, ${this.#reader.where()}`);
  }

  #control(op: number, at: number): void {
    if (op <= 0x05 || op === 0x0b) this.#structure(op, at);
    else if (op <= 0x0f) this.#branch(op, at);
    else if (op === 0xfc) this.#extended(at);
    else this.#call(op, at);
  }

  #structure(op: number, at: number): void {
    this.#controls++;
    if (op === 0x00) {
      this.#note(at, Act.flush, 0);
      this.#stop();
    } else if (op === 0x0b) this.#close();
    else if (op === 0x05) {
      this.#stack.otherwise();
      this.#begin(Act.spend);
    } else this.#open(op);
  }

  #close(): void {
    this.#stack.close();
    if (this.#stack.depth > 0) this.#begin(Act.spend);
  }

  #open(op: number): void {
    if (op === 0x04) this.#stack.pop(1, false);
    this.#stack.open(op, this.#blockType());
    if (op === 0x04) this.#begin(Act.spend);
    if (op !== 0x03) return;
    this.#loops = true;
    this.#cost--;
    this.#begin(Act.check, 1);
  }

  #blockType(): FunctionType {
    const reader = this.#reader;
    const at = reader.at;
    const first = reader.bytes[at] ?? 0;
    if (first === 0x40) reader.at = at + 1;
    if (first === 0x40) return empty;
    if (first > 0x40 && first < 0x80) return { params: [], results: [valueType(reader)] };
    const index = reader.s33();
    const type = index >= 0 ? this.#layout.types[index] : undefined;
    if (!type) throw fault.index(`type ${index} of a block, ${reader.where(at)}`);
    this.#layout.features.add("multi-value");
    return type;
  }

  #branch(op: number, at: number): void {
    this.#controls++;
    if (op === 0x0f) this.#note(at, Act.leave, this.#stack.depth - 1);
    else if (op === 0x0e) this.#branchTable();
    else if (op === 0x0c) this.#index("label", this.#stack.depth);
    if (op !== 0x0d) {
      this.#stop();
      return;
    }
    this.#stack.pop(1, false);
    this.#stack.forward(this.#index("label", this.#stack.depth));
    this.#begin(Act.spend);
  }

  #branchTable(): void {
    const { branchTargets, allBranchTargets } = this.#layout.bounds;
    const count = this.#reader.count("targets of br_table", branchTargets);
    for (let n = 0; n <= count; n++) this.#index("label", this.#stack.depth);
    this.#controls += count;
    this.#targetsLeft -= count;
    if (this.#targetsLeft < 0)
      throw fault.bound(`targets of br_tables, at most ${allBranchTargets}, ${this.#reader.where()}`);
    this.#stack.pop(1, false);
  }

  #call(op: number, at: number): void {
    this.#note(at, Act.flush, 0);
    this.#calls = true;
    const index =
      op === 0x10 ? this.#index("function", this.#functions) : this.#index("type", this.#layout.types.length);
    const type = op === 0x10 ? typeOfFunction(this.#layout, index) : this.#layout.types[index];
    if (op === 0x11) {
      this.#table();
      this.#stack.pop(1, false);
    }
    this.#stack.pop(type?.params.length ?? 0, false);
    this.#stack.push(type?.results.length ?? 0);
    this.#note(this.#reader.at, Act.reload, 0);
  }

  #extended(at: number): void {
    const sub = this.#reader.u32();
    if (sub < 256) this.seen[256 + sub] = 1;
    if (sub <= 7) {
      this.#stack.pop(1, true);
      this.#stack.push(1);
    } else if (sub <= 14) this.#bulk(sub, at);
    else if (sub <= 17)
      throw fault.feature(`reference types (table.grow, table.size, table.fill), ${this.#reader.where(at)}`);
    else throw fault.feature(`unknown opcode 0xfc ${sub}, ${this.#reader.where(at)}`);
  }

  #bulk(sub: number, at: number): void {
    if (sub === 8 || sub === 9) this.#index("data segment", this.#layout.dataCount ?? 0);
    if (sub === 12 || sub === 13) this.#index("element segment", this.#layout.elements);
    if (sub === 8 || sub === 10 || sub === 11) this.#memory();
    if (sub === 10) this.#memory();
    if (sub === 12 || sub === 14) this.#table();
    if (sub === 14) this.#table();
    if (sub === 9 || sub === 13) return;
    this.#note(at, Act.bulk, sub >= 12 ? 0 : 3);
    this.#cost += 16;
    this.#stack.pop(3, false);
  }
}
