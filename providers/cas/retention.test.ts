import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  type Blobs,
  defineProvider,
  type Emitted,
  fullAuthority,
  Kernel,
  type Session,
  type Upload,
} from "@skep/kernel";
import { recordingFiles } from "@skep/testing";
import { casProvider } from "./mod.ts";

const day = 86_400_000;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function memoryBlobs(): Blobs & { readonly stored: Map<string, Buffer>; removal: Promise<void> } {
  const stored = new Map<string, Buffer>();
  const self = {
    stored,
    removal: Promise.resolve(),
    size: async (digest: string) => stored.get(digest)?.length,
    read: async (digest: string, from: number, count: number) =>
      stored.get(digest)?.subarray(from, from + count) ?? new Uint8Array(0),
    upload: (digest: string): Upload => {
      let bytes = Buffer.alloc(0);
      return {
        get size() {
          return bytes.length;
        },
        append: async (more) => {
          bytes = Buffer.concat([bytes, more]);
          if (createHash("sha256").update(bytes).digest("hex") !== digest) return false;
          stored.set(digest, bytes);
          return true;
        },
        close: async () => undefined,
      };
    },
    put: async () => "",
    remove: async (digest: string) => {
      await self.removal;
      stored.delete(digest);
    },
    list: async function* () {},
  };
  return self;
}

// Stands for the jobs provider: the events that retention follows, and which digests live jobs name.
function jobsStub(live: Set<string>) {
  return defineProvider<null>({
    name: "jobs",
    doc: "Stands for jobs",
    initial: () => null,
    events: {
      "submitted@1": () => undefined,
      "arrayed@1": () => undefined,
      "ended@1": () => undefined,
    },
    offers: { leases: () => ({ opens: () => false, named: () => live }) },
    mounts: () => ({}),
  });
}

// Days pass at once: nothing here waits for a timer, the test says when it is time for a tick.
function leapingClock() {
  let passed = 0;
  return {
    now: () => Date.UTC(2026, 0, 1) + passed,
    monotonic: () => passed,
    after: () => ({ stop: () => undefined }),
    leap: (ms: number) => {
      passed += ms;
    },
  };
}

async function rig() {
  const clock = leapingClock();
  const blobs = memoryBlobs();
  const live = new Set<string>();
  let drawn = 0;
  const kernel = await Kernel.open({
    files: recordingFiles(),
    clock,
    version: "test",
    providers: [
      casProvider({ blobs, retention: { outputsAge: 30 * day, outputsSize: 100, jobsAge: 90 * day } }),
      jobsStub(live),
    ],
    defer: (act) => void setImmediate(act),
    fatal: (error) => {
      throw error;
    },
    chance: () => sha256(`${drawn++}`),
    born: () => ({ id: "hive-test", name: "test" }),
  });
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const worker = kernel.attach(fullAuthority("w-1", "worker"), "test");
  const happen = (event: Emitted): void =>
    void kernel.system("jobs", "/", { op: "test" }, () => ({ events: [event] }));
  return {
    clock,
    blobs,
    live,
    kernel,
    owner,
    store: async (text: string, by: Session = owner): Promise<string> => {
      const digest = sha256(text);
      const handle = await by.open(await by.find(`/cas/${digest}`), { read: false, write: true });
      await handle.write(0, Buffer.from(text));
      await handle.close();
      return digest;
    },
    /** Lets days pass, and the sweeps that they bring. */
    days: async (count: number) => {
      clock.leap(count * day);
      for (let left = 8; left > 0; left -= 1) kernel.tick();
      await kernel.settled();
      while (kernel.effects.running > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    worker,
    submit: (module: string) =>
      happen({ type: "submitted@1", data: { run: { kind: "wasm", what: module }, stdin: { bytes: 0 } } }),
    submitMany: (module: string, inputs: readonly string[]) =>
      happen({
        type: "arrayed@1",
        data: { run: { kind: "wasm", what: module }, inputs: inputs.map((digest) => ({ bytes: 1, digest })) },
      }),
    end: (digest: string) =>
      happen({ type: "ended@1", data: { worker: "w-1", end: { stdout: { digest }, stderr: { bytes: 0 } } } }),
    look: async () =>
      JSON.parse(Buffer.from(await owner.read("/cas/retention.json")).toString()) as {
        due_blobs: number;
        due_bytes: number;
        output_bytes: number;
      },
    gc: async () => (await owner.append("/cas/ctl", { op: "gc" })).result as { blobs: number; bytes: number },
    [Symbol.asyncDispose]: () => kernel.close(),
  };
}

test("the module and the inputs of an array are kept as long as those of one job", async () => {
  await using hive = await rig();
  const [module, one, other] = [
    await hive.store("module"),
    await hive.store("one"),
    await hive.store("other"),
  ];
  hive.submitMany(module, [one, other]);
  await hive.days(89);
  assert.deepEqual(
    [module, one, other].map((digest) => hive.blobs.stored.has(digest)),
    [true, true, true],
  );
  await hive.days(2);
  assert.equal(hive.blobs.stored.has(one), false);
});

test("what was stored and never named goes after the outputs' age, by itself, and its bytes with it", async () => {
  await using hive = await rig();
  const digest = await hive.store("forgotten");
  await hive.days(29);
  assert.equal(hive.blobs.stored.has(digest), true);
  await hive.days(1);
  assert.equal(hive.blobs.stored.has(digest), false);
  await assert.rejects(Promise.resolve(hive.owner.read(`/cas/${digest}`)));
});

test("a module stays as long as the jobs that named it, and as long as one of them lives", async () => {
  await using hive = await rig();
  const digest = await hive.store("module");
  await hive.days(20);
  hive.submit(digest);
  hive.live.add(digest);
  await hive.days(89);
  assert.equal(hive.blobs.stored.has(digest), true);
  await hive.days(400);
  assert.equal(hive.blobs.stored.has(digest), true, "a queued job names it");
  hive.live.clear();
  await hive.days(90);
  assert.equal(hive.blobs.stored.has(digest), false);
});

test("outputs beyond the size go oldest first, and what somebody else stored too is no output", async () => {
  await using hive = await rig();
  const mine = await hive.store("o".repeat(60));
  for (const text of ["a".repeat(60), "b".repeat(60), "o".repeat(60)])
    hive.end(await hive.store(text, hive.worker));
  await hive.days(0);
  assert.equal((await hive.look()).output_bytes, 60);
  const left = ["a", "b"].map((letter) => hive.blobs.stored.has(sha256(letter.repeat(60))));
  assert.deepEqual([...left, hive.blobs.stored.has(mine)], [false, true, true]);
});

test("a look changes nothing and tells what a sweep then does, batch by batch", async () => {
  await using hive = await rig();
  for (let at = 0; at < 150; at += 1) await hive.store(`blob ${at}`);
  hive.clock.leap(31 * day);
  const before = hive.kernel.journal.next;
  const { due_blobs, due_bytes } = await hive.look();
  assert.deepEqual([due_blobs, hive.kernel.journal.next], [150, before]);
  const first = await hive.gc();
  assert.equal(first.blobs, 96);
  await hive.days(0);
  assert.equal(hive.blobs.stored.size, 0);
  assert.equal(
    due_bytes,
    [...Array(150).keys()].reduce((sum, at) => sum + `blob ${at}`.length, 0),
  );
  assert.deepEqual(await hive.gc(), { blobs: 0, bytes: 0, more: false });
});

test("bytes stored again while their old copy goes are not lost", async () => {
  await using hive = await rig();
  const digest = await hive.store("again");
  const wall = Promise.withResolvers<void>();
  hive.blobs.removal = wall.promise;
  hive.clock.leap(31 * day);
  await hive.gc();
  const stored = hive.store("again");
  await new Promise((resolve) => setImmediate(resolve));
  wall.resolve();
  await stored;
  await hive.days(0);
  assert.equal(hive.blobs.stored.has(digest), true);
  assert.equal(Buffer.from(await hive.owner.read(`/cas/${digest}`)).toString(), "again");
});

test("only who may collect lets blobs go", async () => {
  await using hive = await rig();
  const narrow = hive.kernel.attach(
    {
      ...fullAuthority("w-2", "worker"),
      allows: (_path, verb) => (verb === "collect" ? undefined : { meters: [] }),
    },
    "test",
  );
  assert.equal((await narrow.append("/cas/ctl", { op: "gc" })).verdict, "refused");
});
