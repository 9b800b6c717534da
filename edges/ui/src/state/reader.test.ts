import assert from "node:assert/strict";
import { test } from "node:test";
import { Reader } from "./reader.ts";

/** A reader whose reads end when the test says so. */
function rig() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const reader = new Reader((key) => {
    begun.push(key);
    return new Promise((resolve) => ends.set(key, resolve));
  });
  const end = async (key: string): Promise<void> => {
    ends.get(key)?.();
    await new Promise(setImmediate);
  };
  return { reader, begun, end };
}

test("a few are read at a time, and what was asked for twice meanwhile is read once more", async () => {
  const { reader, begun, end } = rig();
  for (const key of ["a", "b", "c", "d", "e", "f", "g", "g"]) reader.want(key);
  for (let at = 0; at < 3; at += 1) reader.want("a");
  assert.deepEqual(begun, ["a", "b", "c", "d", "e", "f"]);
  await end("a");
  await end("b");
  assert.deepEqual(begun.slice(6), ["g", "a"]);
});

test("of too many the one that waits longest is forgotten, so that nothing is shown late", async () => {
  const { reader, begun, end } = rig();
  for (let at = 0; at < 5000; at += 1) reader.want(`j${at}`);
  for (let at = 0; at < begun.length; at += 1) await end(begun[at] ?? "");
  assert.deepEqual([begun.length, begun[5], begun[6], begun.at(-1)], [506, "j5", "j4500", "j4999"]);
});

test("what can wait is read one by one when nothing else is to be read", async () => {
  const { reader, begun, end } = rig();
  reader.want("now");
  for (const key of ["x", "y", "z"]) reader.later(key);
  assert.deepEqual(begun, ["now"]);
  await end("now");
  assert.deepEqual(begun, ["now", "x"]);
  reader.want("z");
  await end("x");
  assert.deepEqual(begun, ["now", "x", "z"]);
  await end("z");
  assert.deepEqual(begun, ["now", "x", "z", "y"]);
});
