import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { labLacks } from "@skep/testing";
import { patience } from "../testing/machine.ts";

const main = fileURLToPath(new URL("../../../../testing/lab/main.ts", import.meta.url));

interface Shown {
  readonly name: string;
  readonly what: string;
  readonly ms: number;
  readonly most: number;
}

async function show(name: string): Promise<readonly Shown[]> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, name, "--json"]);
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes: Buffer) => (out += bytes));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes));
  await once(child, "close");
  assert.equal(err, "");
  process.stdout.write(out);
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Shown);
}

const lacks = labLacks();
const cases: readonly (readonly [what: string, name: string, shown: number, skip: string | false])[] = [
  [
    "a reservation that runs out is renewed, and one that was slept through is taken again",
    "expiry",
    2,
    false,
  ],
  ["a hive and a machine whose relay dies meet at another", "relay-death", 1, lacks ?? false],
  ["a hive that is killed has its machine back and the job that it ran", "hive-restart", 2, false],
  ["a machine that sleeps is missed, and comes back by itself", "sleep", 3, false],
];
// Each waits most of its time, and has processes and networks of its own.
test("every trouble ends by itself in its time, shown by one command each", { concurrency: 2 }, async (t) => {
  await Promise.all(
    cases.map(([what, name, count, skip]) =>
      t.test(what, { skip }, async () => {
        const rows = await show(name);
        assert.equal(rows.length, count);
        for (const { what: one, ms, most } of rows)
          assert.ok(ms <= most * patience(), `${one}: ${ms} ms of ${most}`);
      }),
    ),
  );
});
