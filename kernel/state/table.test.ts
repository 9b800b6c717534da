import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DraftTable, type Drafting, type Table } from "./table.ts";

type Act = { readonly act: "set" | "delete"; readonly key: string; readonly value: number };

const acts = fc.array(
  fc.record({
    act: fc.constantFrom<Act["act"]>("set", "delete"),
    key: fc.constantFrom("a", "b", "c", "d", "e"),
    value: fc.integer(),
  }),
  { maxLength: 12 },
);

function run(
  table: Table<number> | Map<string, number>,
  all: readonly Act[],
  seen: (at: number) => void,
): void {
  for (const [at, { act, key, value }] of all.entries()) {
    if (act === "set") table.set(key, value);
    else table.delete(key);
    seen(at);
  }
}

function look(table: Table<number> | Map<string, number>) {
  const keys = [...table.keys()];
  return [[...table.entries()], keys, [...table.values()], table.size, keys.map((key) => table.get(key))];
}

function drafted(drafting: Drafting, table: DraftTable<number>, all: readonly Act[]) {
  const seen: unknown[] = [];
  drafting.undo = [];
  run(table, all, () => seen.push([look(table), table.has("a"), table.get("b"), table.first()]));
  return seen;
}

function filled(before: readonly Act[]) {
  const drafting: Drafting = { undo: undefined, waiting: [] };
  const table = new DraftTable<number>(drafting);
  run(table, before, () => undefined);
  return { drafting, table };
}

function end(drafting: Drafting, kept: boolean): void {
  const undo = drafting.undo ?? [];
  drafting.undo = undefined;
  if (!kept) for (const act of undo.reverse()) act();
  for (const table of drafting.waiting.splice(0)) table.end(kept);
}

test("a draft shows at every step what a plain map would, and is that when it is kept", () => {
  fc.assert(
    fc.property(acts, acts, (before, more) => {
      const { drafting, table } = filled(before);
      const map = new Map<string, number>();
      run(map, before, () => undefined);
      const seen = drafted(drafting, table, more);
      const expected: unknown[] = [];
      run(map, more, () => expected.push([look(map), map.has("a"), map.get("b"), map.keys().next().value]));
      assert.deepEqual(seen, expected);
      end(drafting, true);
      assert.deepEqual(look(table), look(map));
    }),
  );
});

test("a draft that is taken back leaves every value, and the order where no key came back within it", () => {
  fc.assert(
    fc.property(acts, acts, (before, more) => {
      const { drafting, table } = filled(before);
      const was = look(table);
      drafted(drafting, table, more);
      end(drafting, false);
      const again = more.some(
        ({ act, key }, at) =>
          act === "set" && more.slice(0, at).some((one) => one.act === "delete" && one.key === key),
      );
      assert.deepEqual(Object.fromEntries(table.entries()), Object.fromEntries(was[0] as [string, number][]));
      if (!again) assert.deepEqual(look(table), was);
    }),
  );
});
