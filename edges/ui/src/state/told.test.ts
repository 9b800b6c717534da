import assert from "node:assert/strict";
import { test } from "node:test";
import { toldOf, toldOfLine } from "./told.ts";

const cases: readonly (readonly [unknown, string])[] = [
  [{ kill: "worker-2", $reason: "it is loud" }, "kill worker-2"],
  [{ op: "submit", manifest: { schema_version: 1 }, stdin: { inline: "eA==" } }, "submit"],
  [{ incarnation: "678756e99092e58e", op: "names", facet: "net" }, "names facet net"],
  [{ mime: "text/plain", new: "segment" }, "new segment mime text/plain"],
  [{ spawn: "heartbeat", ticks: 5, $key: "k" }, "spawn heartbeat ticks 5"],
  [{ run: { kind: "wasm" } }, "run"],
  [{ seal: true }, "seal"],
  ["temp=21", "temp=21"],
  [undefined, ""],
  [[1, 2], "0 1 1 2"],
  [{}, ""],
  [{ module: "a".repeat(64) }, "module"],
  [{ name: "x".repeat(64) }, `name ${"x".repeat(24)}…`],
];

for (const [command, told] of cases)
  test(`${JSON.stringify(command)?.slice(0, 60)} is told as "${told}"`, () =>
    assert.equal(toldOf(command), told));

test("a line that is no JSON is told as it is", () => {
  assert.equal(toldOfLine('{"kill":"a"}'), "kill a");
  assert.equal(toldOfLine("temp=21 fan=900"), "temp=21 fan=900");
});
