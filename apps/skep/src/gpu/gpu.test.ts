import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hasEnded } from "../testing/alive.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { infoOf, parseCards } from "./inventory.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

const ask = async (...words: string[]) => {
  const { code, out, err } = await hive.skep(["gpu", ...words]);
  return { code, out, err };
};

/** A driver's tool that knows two GPUs, and only the question that it was asked. */
function fakeSmi(): string {
  const path = join(hive.dir, "nvidia-smi");
  const text = `#!/bin/sh
case "$1 $2" in
  "--query-gpu=uuid,"*" --format=csv,noheader,nounits") ;;
  *) exit 2 ;;
esac
echo "GPU-aa, 0, Fake H100, 81559, 4, 0, 31, 700.00, 570.1"
echo "GPU-bb, 1, Fake A2, 15356, 12, 7, [N/A], 60.00, 570.1"
`;
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

test("what the driver does not know is left out of the inventory", () => {
  const [card] = parseCards("GPU-aa, 3, Some Card, 100, [N/A], , [Not Supported], 60.00, 570.1\n");
  assert.equal(card?.id, "GPU-3");
  assert.equal(
    card && infoOf(card),
    "uuid=GPU-aa index=3 name=Some_Card memory_total=100 power_limit=60.00 driver_version=570.1",
  );
});

test("an inventory is published, a GPU leased, a command run under the lease and receipted", async () => {
  const without = await ask("publish", "--smi", join(hive.dir, "none"));
  assert.match(without.err, /nvidia-smi does not answer/);
  assert.equal((await ask("publish", "--smi", fakeSmi())).code, 0);
  assert.match((await ask("list")).out, /GPU-0\s+uuid=GPU-aa index=0 name=Fake_H100/);
  const mark = join(hive.dir, "ran");
  const command = ["--", "/bin/sh", "-c", `echo "$SKEP_GPU $CUDA_VISIBLE_DEVICES" > ${mark}; exit 3`];
  const refused = await ask("run", "GPU-1", ...command);
  assert.deepEqual([refused.code, existsSync(mark)], [4, false], refused.err);
  assert.match(refused.err, /without a lease/);
  assert.equal((await ask("lease", "GPU-1", "--for", "1h")).code, 0);
  assert.equal((await ask("lease", "GPU-1", "--for", "1h")).code, 9);
  const ran = await ask("run", "GPU-1", "--json", ...command);
  assert.equal(ran.code, 3, ran.err);
  const receipt = JSON.parse(ran.out);
  assert.deepEqual([receipt.gpu, receipt.exit], ["GPU-1", 3]);
  const record = await hive.hive.kernel.journal.record(receipt.record);
  assert.match(JSON.stringify(record), /gpu[.:]ended@1/);
  assert.match((await ask("status", "GPU-1")).out, /ended\s+\d+\s+3/);
});

test("a command whose lease is taken away is ended with what it started, and its receipt has no exit code", async () => {
  assert.equal((await ask("publish", "--smi", fakeSmi())).code, 0);
  const leased = await hive.skep(["gpu", "lease", "GPU-0", "--for", "1h", "--json"]);
  const { lease } = JSON.parse(leased.out);
  const file = join(hive.dir, "child");
  const script = `sleep 300 & echo $! > ${file}; wait`;
  const words = ["gpu", "run", "GPU-0", "--every", "50ms", "--", "/bin/sh", "-c", script];
  const { io, done } = hive.start(words);
  let shown = "";
  while (!shown.includes("running 1")) shown = (await hive.skep(["cat", "/gpu/GPU-0/status"])).out;
  await hive.skep(["echo", JSON.stringify({ op: "release", lease }), "/queen/lease/ctl"]);
  assert.equal(await done, 10, io.err());
  assert.match(io.err(), /lease of the GPU is over/);
  const child = Number(readFileSync(file, "utf8"));
  assert.ok(child > 0);
  assert.equal(await hasEnded(child), true);
  assert.match((await hive.skep(["cat", "/gpu/GPU-0/job"])).out, /state=ended .*exit=null/);
});

test("a GPU is published for a time, and taken out of the list", async () => {
  const { journal } = hive.hive.kernel;
  const from = journal.durable;
  assert.equal((await ask("publish", "--smi", fakeSmi(), "--for", "10m")).code, 0);
  const terms = [];
  for (let seq = from; seq < journal.durable; seq += 1) {
    const { time, events } = await journal.record(seq);
    const term = events.find(({ t }) => t === "gpu:term@1")?.d as { until: number } | undefined;
    if (term) terms.push(term.until - time);
  }
  assert.deepEqual(terms, [600_000]);
  assert.equal((await ask("withdraw", "GPU-1")).code, 0);
  assert.doesNotMatch((await ask("list")).out, /GPU-1/);
  assert.equal((await ask("withdraw", "GPU-1")).code, 3);
});
