import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { addEndedJobs } from "./generate.ts";
import { startOver } from "./hive.ts";
import { temporaryPlace } from "./place.ts";

test("a hive starts over the jobs that were generated into its home, and tells of them", async () => {
  await using place = await temporaryPlace();
  const home = join(place.path, "home");
  await (await startOver(home))[Symbol.asyncDispose]();
  const { records } = await addEndedJobs(home, 5, () => undefined);
  await using hive = await startOver(home);
  await using owner = await hive.owner();
  const status = (await owner.readAll(`/jobs/${records - 3}/status.json`)).toString();
  assert.equal((JSON.parse(status) as { readonly state: string }).state, "done");
  const why = (await owner.readAll(`/audit/why/${records - 1}/chain`)).toString();
  assert.match(why, /^record \d+: done at \/worker\/w-bench\/results/);
});
