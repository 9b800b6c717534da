import assert from "node:assert/strict";
import { test } from "node:test";
import { createTree, type Place } from "@skep/kernel";
import { foldedMounts } from "../hive/folded.ts";
import { checkUserName, knownRights, unknownRights } from "./known.ts";

function* rightsOf(place: Place, seen = new Set<Place>()): Generator<string> {
  if (seen.has(place)) return;
  seen.add(place);
  const { node, child, entries } = place;
  if ("right" in node && typeof node.right === "string") yield node.right;
  if (node.kind === "subtree" && node.file.right !== undefined) yield node.file.right;
  for (const entry of entries.values()) yield* rightsOf(entry, seen);
  if (child) yield* rightsOf(child, seen);
}

test("the rights that are told of are those that the tree asks for, and read, write and both", () => {
  const asked = rightsOf(createTree(foldedMounts("/nonexistent", undefined)));
  assert.deepEqual([...new Set(["read", "write", "rw", ...asked])].sort(), [...knownRights].sort());
});

test("a right that nothing asks for is told once, and * is one of those that open", () => {
  const told = unknownRights(["*", "rw", "submit", "fly", "fly"].map((verb) => ({ path: "/jobs", verb })));
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /the right fly;/);
});

test("a name is refused when no ticket can have it, or the hive has it already", () => {
  for (const name of ["ann", "ann/ci", "owners"]) checkUserName(name);
  for (const name of ["b b", "", "a//b", "x".repeat(65)])
    assert.throws(() => checkUserName(name), { code: "user-name.form" });
  for (const name of ["owner", "owner/ci", "daemon", "system", "queen", "http"])
    assert.throws(() => checkUserName(name), { code: "user-name.reserved" });
});
