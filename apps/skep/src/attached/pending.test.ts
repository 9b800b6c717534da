import assert from "node:assert/strict";
import { test } from "node:test";
import { readPending } from "./pending.ts";

const ticket = {
  ...{ id: "t-1", n: 7, state: "queued", action: "systemd.restart", target: "web.service" },
  ...{ params: { lines: 3 }, before: null, since_ms: 1 },
};

test("tickets that wait are read with what is needed of them, and no hive tells one that spoils the memory", () => {
  const [read] = readPending(JSON.stringify([{ ...ticket, by: "ann" }]));
  assert.deepEqual(read, ticket);
  for (const wrong of [
    ...[{ n: "7" }, { n: 7.5 }, { n: -1 }, { n: null }],
    ...[{ id: "" }, { id: 7 }, { action: "halt" }, { target: null }, { state: "done" }, { before: [1] }],
  ])
    assert.throws(() => readPending(JSON.stringify([{ ...ticket, ...wrong }])), { code: "attached.pending" });
  for (const text of ["", "{}", "[null]"])
    assert.throws(() => readPending(text), { code: "attached.pending" });
});
