import type { FunctionType } from "./layout.ts";

/** What the weaver does at a place of a function's code. */
export const Act = {
  /** Nothing: the event was withdrawn. */
  none: 0,
  /** Pay `value` fuel. */
  spend: 1,
  /** Pay `value` fuel and end when it is used up. */
  check: 2,
  /** Make the f32 on top canonical if it is a NaN. */
  nan32: 3,
  /** Make the f64 on top canonical if it is a NaN. */
  nan64: 4,
  /** Replace `return` by a branch over `value` blocks. */
  leave: 5,
  /** Replace `memory.grow`, whose length is `value` bytes, by a call of the injected one. */
  grow: 6,
  /** Pay for the length on top of the stack, shifted right by `value`. */
  bulk: 7,
  /** Others may look at the fuel: write it down. */
  flush: 8,
  /** Others have changed the fuel: read it anew. */
  reload: 9,
} as const;

/** What was learnt of one function body. */
export interface Plan {
  readonly type: FunctionType;
  /** Bytes of the local groups, without their count. */
  readonly localsFrom: number;
  readonly codeFrom: number;
  readonly codeTo: number;
  readonly localGroups: number;
  /** Locals, parameters included. */
  readonly locals: number;
  /** Most values on the operand stack. */
  readonly operands: number;
  /** Whether it calls anything. */
  readonly calls: boolean;
  readonly loops: boolean;
  /** Fuel for what stands before the first event. */
  readonly entryCost: number;
  /** Triples of place, act and value, in order of place; valid until the next scan. */
  readonly events: readonly number[];
}
