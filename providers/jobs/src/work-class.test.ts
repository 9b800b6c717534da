import assert from "node:assert/strict";
import { test } from "node:test";
import { jobActs } from "./acts.ts";
import { rig } from "./rig.test.ts";

const module = "ab".repeat(32);
const submit = (more: object) => ({ op: "submit", run: { kind: "wasm", module, ...more } });

test("the class of work reaches the worker that may refuse it, and is not told where it is general", async () => {
  await using hive = await rig();
  hive.join("w-a", { slots: 2 });
  await hive.submit(submit({ class: "rendering" }));
  await hive.submit(submit({}));
  await hive.kernel.settled();
  const inbox = Buffer.from(await hive.kernel.rings.ring("/worker/w-a/inbox").read(0, 65_536)).toString();
  const classes = inbox
    .split("\n")
    .filter((line) => line.startsWith('{"job":'))
    .map((line) => (JSON.parse(line) as { class?: string }).class);
  assert.deepEqual(classes, ["rendering", undefined]);
});

test("what a job is for is among what it uses, in a run and in a manifest", () => {
  const input = [...Buffer.from(JSON.stringify({ class: "rendering" }))];
  const payload = { kind: "wasm", module_cid: `sha256:${module}`, input };
  const uses = jobActs.submit.uses as (command: object) => readonly string[];
  assert.ok(uses(submit({ class: "rendering" })).includes("work:rendering"));
  assert.ok(uses({ op: "submit", manifest: { payload }, needs: [] }).includes("work:rendering"));
});
