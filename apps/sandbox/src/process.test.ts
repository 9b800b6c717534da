import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { frame } from "./frames.ts";
import { Freezer } from "./freezer.ts";
import { findHost } from "./host.ts";
import { createSandboxPool } from "./pool.ts";
import { engineFlags, Runner, type RunnerShape } from "./process.ts";
import { runnerSources } from "./sources.ts";
import { descendants, example, jobOf } from "./testing.ts";

const MiB = 1024 * 1024;
const shape: RunnerShape = {
  memoryBytes: 16 * MiB,
  overheadBytes: 160 * MiB,
  heapMiB: 64,
  cpuSeconds: 60,
  admittedBytes: 0,
};
const host = await findHost();
const common = { freezer: new Freezer(null), procs: [], nice: undefined, cpus: undefined };
const start = async () =>
  await Runner.start(host, shape, (await runnerSources(engineFlags(shape))).runner, common);
const bare = (...layers: string[]) => layers.find((layer) => !host.layers.includes(layer));
const without = (...layers: string[]) => {
  const lacking = bare(...layers);
  return lacking === undefined ? {} : { skip: `this host does not give ${lacking}` };
};

test("a runner holds its three pipes, what its engine makes for itself, and no other descriptor", async () => {
  await using runner = await start();
  assert.ok(runner.pid);
  const dir = `/proc/${runner.pid}/fd`;
  const links = new Map(readdirSync(dir).map((fd) => [Number(fd), readlinkSync(`${dir}/${fd}`)]));
  const foreign = [...links].filter(([fd, to]) => fd > 2 && !/^anon_inode:|^\/dev\/null$|^pipe:/.test(to));
  assert.deepEqual(foreign, []);
  for (const fd of [0, 1, 2]) assert.match(links.get(fd) ?? "", /^socket:|^pipe:/);
  const mine = new Set(
    readdirSync("/proc/self/fd").map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return "";
      }
    }),
  );
  const common = [...links.values()].filter((to) => to !== "/dev/null" && to.includes("[") && mine.has(to));
  assert.deepEqual(
    common.filter((to) => to.startsWith("pipe:")),
    [],
  );
});

test("a runner has no environment and no word of ours in its arguments", async () => {
  await using runner = await start();
  const environment = readFileSync(`/proc/${runner.pid}/environ`, "latin1");
  assert.equal(environment.replace(/(PWD|SHLVL|_)=[^\0]*\0/g, ""), "");
  assert.ok(!readFileSync(`/proc/${runner.pid}/cmdline`, "latin1").includes("/home"));
});

test(
  "a runner runs as nobody, in a network of its own",
  without("unprivileged-user", "network-namespace"),
  async () => {
    await using runner = await start();
    const status = readFileSync(`/proc/${runner.pid}/status`, "latin1");
    assert.match(status, /^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
    assert.match(status, /^Groups:\s*$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^CapEff:\s+0+$/m);
    const routes = readFileSync(`/proc/${runner.pid}/net/dev`, "latin1").trim().split("\n").slice(2);
    assert.deepEqual(
      routes.map((line) => line.trim().split(":")[0]),
      ["lo"],
    );
  },
);

test("a runner can write no file, leave no core and open few descriptors", without("rlimits"), async () => {
  await using runner = await start();
  const limits = readFileSync(`/proc/${runner.pid}/limits`, "latin1");
  assert.match(limits, /^Max file size\s+0\s+0 /m);
  assert.match(limits, /^Max core file size\s+0\s+0 /m);
  assert.match(limits, /^Max open files\s+64\s+64 /m);
  assert.match(limits, /^Max cpu time\s+60\s+60 /m);
});

test(
  "a runner starts behind everything else and is nobody's second once it is taken",
  process.getuid?.() === 0 ? {} : { skip: "only root may take niceness back" },
  async () => {
    await using runner = await start();
    const nice = () =>
      Number(readFileSync(`/proc/${runner.pid}/stat`, "latin1").split(") ")[1]?.split(" ")[16]);
    assert.equal(nice(), 5);
    runner.hurry();
    assert.equal(nice(), 0);
  },
);

test(
  "a runner is in a control group of its own from its first byte of script",
  without("memory-cgroup"),
  async () => {
    await using runner = await start();
    assert.match(
      readFileSync(`/proc/${runner.pid}/cgroup`, "latin1"),
      new RegExp(`/skep-${process.pid}-\\w+$`, "m"),
    );
  },
);

test("a runner sees nothing of this host's files", without("bubblewrap"), async () => {
  await using runner = await start();
  const seen = readdirSync(`/proc/${runner.pid}/root`).sort();
  assert.deepEqual(
    seen.filter((name) => !["lib", "lib64", "node", "usr"].includes(name)),
    [],
  );
});

test("a frame that no pool sends ends the runner and nothing else", async () => {
  await using runner = await start();
  runner.send(99, new Uint8Array(10));
  assert.equal(await runner.next(), undefined);
  const { reason, message } = await runner.ended();
  assert.equal(reason, "crash");
  assert.match(message, /code 71/);
});

test("a runner ends when its input is closed", async () => {
  await using runner = await start();
  runner.send(frame.end, new Uint8Array(0));
  assert.equal((await runner.ended()).message, "The process ended with code 0");
});

test("a closed pool leaves no process behind and runs nothing", async () => {
  const before = descendants(process.pid);
  assert.deepEqual(before, []);
  const pool = await createSandboxPool({ warm: 2 });
  await pool.ready();
  assert.ok(descendants(process.pid).length >= 3);
  const running = pool.run(jobOf(example("misbehaving/loop"), { limits: { fuel: 1n << 60n } }));
  await pool[Symbol.asyncDispose]();
  assert.equal((await running).reason, "canceled");
  assert.equal((await pool.run(jobOf(example("reverse")))).reason, "canceled");
  assert.deepEqual(descendants(process.pid), []);
});
