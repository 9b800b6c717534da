import assert from "node:assert/strict";
import { test } from "node:test";
import { command } from "./command.ts";
import { createFakeIo } from "./fake-io.ts";
import { program } from "./program.ts";
import { runProgram } from "./run.ts";
import type { FlagSpec } from "./command.ts";

function tableWith(flags: Record<string, FlagSpec>) {
  const work = command({
    name: "work",
    group: "all",
    summary: "Work",
    examples: [{ run: "skep work", doc: "So" }],
    flags,
    run: ({ flags: set, out }) => out.json(set),
  });
  const groups = [{ key: "all", title: "All" }];
  return program({
    name: "skep",
    version: "1",
    summary: "S",
    examples: [],
    groups,
    commands: [work],
    completers: {},
  });
}

test("a number beyond its bounds is refused with both bounds, and the bounds themselves are taken", async () => {
  const table = tableWith({ n: { kind: "integer", least: 1, most: 9, doc: "How many" } });
  const cases: [string, number][] = [
    ["0", 2],
    ["1", 0],
    ["9", 0],
    ["10", 2],
    ["-3", 2],
  ];
  for (const [text, expected] of cases) {
    const io = createFakeIo(["work", `--n=${text}`]);
    assert.equal(await runProgram(table, io), expected, text);
    if (expected !== 0) assert.match(io.err(), /--n takes a number from 1 to 9/);
  }
});

test("a flag that says itself what help adds is refused at start", () => {
  const twice: Record<string, FlagSpec>[] = [
    { env: { kind: "string", repeat: true, doc: "Variable; may be given again" } },
    { slots: { kind: "integer", default: "2", doc: "Jobs at a time; default 2" } },
  ];
  for (const flags of twice) assert.throws(() => tableWith(flags), /twice/);
});
