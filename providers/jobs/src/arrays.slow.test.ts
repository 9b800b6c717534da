import assert from "node:assert/strict";
import { test } from "node:test";
import { give, numbers } from "./arrays.test.ts";
import { rig } from "./rig.test.ts";

test("ten thousand jobs of one array drain, state stays small, and each is still found", async () => {
  await using hive = await rig();
  hive.join("w-a", { slots: 8, ahead: 16 });
  let array = "";
  const parts: string[] = [];
  for (let first = 0; first < 10_000; first += 500) {
    const given = await give(hive, numbers(500, first), {
      first,
      total: 10_000,
      ...(array === "" ? {} : { array }),
    });
    array ||= given.array;
    parts.push(given.part);
  }
  for (const part of parts) for (let at = 0; at < 500; at += 1) await hive.done("w-a", `${part}.${at}`, "");
  const { state, done } = await hive.status(array);
  assert.deepEqual([state, done], ["done", 10_000]);
  const rows = [...hive.kernel.slices.state.rows()].filter(([slice]) => slice === "jobs");
  assert.ok(rows.length < 4000, `${rows.length} rows`);
  const first = await hive.status(`${array}.0`);
  assert.deepEqual([first.state, first.exit, first.array, first.index], ["done", 0, array, 0]);
});
