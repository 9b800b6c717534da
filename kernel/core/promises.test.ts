import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { defineProvider, emitter, fullAuthority, type Kernel, type Scope } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { z } from "zod";

const day = 24 * 3600_000;

async function hive(t: TestContext, files = recordingFiles(), clock = simulatedClock()) {
  const kernel = await toyHive({ files, clock });
  t.after(() => kernel.close());
  return { files, clock, kernel, session: kernel.attach(fullAuthority("owner"), "test") };
}

const hatch = (bee: string, more: object = {}) => ({ op: "hatch", bee, ...more });

test("a key gives the same answer with its result again, and after a restart", async (t) => {
  const { files, session } = await hive(t);
  const first = await session.append("/comb/ctl", hatch("maja", { $key: "k" }));
  assert.deepEqual(first.result, { bee: "maja" });
  assert.deepEqual(await session.append("/comb/ctl", hatch("maja", { $key: "k" })), first);
  const again = await hive(t, files.withoutProcess());
  assert.deepEqual(await again.session.append("/comb/ctl", hatch("maja", { $key: "k" })), first);
  assert.equal(
    (await again.session.append("/comb/ctl", hatch("willi", { $key: "k" }))).code,
    "gate.conflict",
  );
});

test("a refused command leaves its key free", async (t) => {
  const { session } = await hive(t);
  const retire = { op: "retire", bee: "maja", $key: "k" };
  assert.equal((await session.append("/comb/ctl", retire)).code, "toy.unknown");
  await session.append("/comb/ctl", hatch("maja"));
  assert.equal((await session.append("/comb/ctl", retire)).verdict, "ok");
});

test("a keyed command issued before the horizon is refused, although its key is forgotten", async (t) => {
  const { clock, kernel, session } = await hive(t);
  const $at = kernel.time.now();
  const line = { op: "hum", text: "sum", $key: "k", $at };
  const first = await session.append("/comb/ctl", line);
  await clock.advanceAsync(day - 1000);
  assert.equal((await session.append("/comb/ctl", line)).id, first.id);
  await clock.advanceAsync(120_000);
  await kernel.settled();
  assert.equal(kernel.slices.kernel.keys.size, 0);
  assert.equal((await session.append("/comb/ctl", line)).code, "gate.horizon");
});

test("an envelope that is not what it should be is refused, not passed over", async (t) => {
  const { kernel, session } = await hive(t);
  const now = kernel.time.now();
  for (const more of [
    { $at: "yesterday" },
    { $at: null },
    { $at: -1 },
    { $epoch: "1" },
    { $epoch: true },
    { $epoch: 1.5 },
    { $trace: 7 },
    { $trace: "x".repeat(129) },
    { $key: "" },
    { $key: 7 },
  ])
    assert.equal(
      (await session.append("/comb/ctl", hatch("maja", more))).code,
      "gate.schema",
      JSON.stringify(more),
    );
  assert.equal(
    (await session.append("/comb/ctl", hatch("maja", { $epoch: 1, $at: now, $trace: "00-ab" }))).verdict,
    "ok",
  );
  assert.equal((await session.append("/comb/ctl", hatch("willi", { $epoch: 2 }))).code, "gate.fence");
  // Its key would be forgotten while it could still run again.
  const ahead = hatch("willi", { $key: "k", $at: now + 61_000 });
  assert.equal((await session.append("/comb/ctl", ahead)).code, "gate.ahead");
});

test("a refusal that saw a draft leaves only when that is durable", async (t) => {
  const { files, session } = await hive(t);
  const held = files.hold("sync");
  const order: string[] = [];
  const ctl = await session.open(await session.find("/comb/ctl"), { read: true, write: true });
  const line = Buffer.from(JSON.stringify(hatch("maja")));
  const seen = [
    Promise.resolve(ctl.write(0, line)).then(() => order.push("acknowledged")),
    Promise.resolve()
      .then(() => ctl.write(0, line))
      .catch(({ code }) => order.push(`write ${code}`)),
    session.append("/comb/ctl", hatch("maja")).then(({ code }) => order.push(`append ${code}`)),
  ];
  await held.reached;
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(order, []);
  held.release();
  await Promise.all(seen);
  assert.deepEqual(order.toSorted(), ["acknowledged", "append toy.there", "write toy.there"]);
});

test("a line with half a character, or a number that JSON cannot keep, is refused and nothing is applied", async (t) => {
  const { kernel, session } = await hive(t);
  const before = [kernel.journal.next, kernel.slices.state.digest()];
  for (const line of ['{"op":"hum","text":"\\ud800"}', '{"op":"hum","text":"a","$key":"\\udfff"}']) {
    const answer = await session.append("/comb/ctl", line);
    assert.deepEqual([answer.verdict, answer.kind], ["refused", "invalid"], line);
  }
  assert.deepEqual([kernel.journal.next, kernel.slices.state.digest()], before);
});

const comb = {
  "set@1": ({ cells }: Cells, { names }: { names: readonly string[] }) => {
    for (const name of names) cells.set(name, 1);
  },
  "burst@1": ({ cells }: Cells, { names }: { names: readonly string[] }) => {
    for (const name of names) cells.delete(name);
    cells.set("new", 1);
    throw new Error("the comb broke");
  },
};
const initial = (scope: Scope) => ({ cells: scope.table<number>("cells") });
type Cells = ReturnType<typeof initial>;
const emit = emitter(comb);

/** A provider whose events can throw half way, and whose commands can grow beyond a record. */
const brittle = defineProvider<Cells>({
  name: "brittle",
  doc: "A comb that breaks",
  initial,
  events: comb,
  mounts: (t) => ({
    "/brittle": t.control("Set, burst, swell or fall over", {
      input: z.strictObject({ op: z.enum(["set", "burst", "swell", "fall"]), names: z.array(z.string()) }),
      undo: "reversible",
      decide: ({ op, names }) => {
        if (op === "fall") throw new TypeError("the secret of the comb");
        if (op === "swell") return { events: [emit("set@1", { names: ["x".repeat(70_000)] })] };
        return { events: [emit(op === "set" ? "set@1" : "burst@1", { names })] };
      },
    }),
  }),
});

async function brittleHive(t: TestContext) {
  const lines: string[] = [];
  const kernel = await toyHive({
    files: recordingFiles(),
    clock: simulatedClock(),
    providers: [brittle],
    log: (line) => lines.push(line),
  });
  t.after(() => kernel.close());
  const session = kernel.attach(fullAuthority("owner"), "test");
  return {
    kernel,
    lines,
    act: (op: string, ...names: string[]) => session.append("/brittle", { op, names }),
  };
}

const order = (kernel: Kernel) => [...kernel.slices.state.rows()].filter(([slice]) => slice === "brittle");

test("an event that throws leaves state, its order and the journal as they were", async (t) => {
  const { kernel, lines, act } = await brittleHive(t);
  await act("set", "a", "b", "c", "d");
  const before = [kernel.journal.next, order(kernel)];
  for (const names of [["a"], ["c"], ["b", "d"], ["d", "a"], ["a", "b", "c", "d"]]) {
    const answer = await act("burst", ...names);
    assert.deepEqual([answer.code, answer.message], ["internal", "Cannot go on: internal error"]);
    assert.deepEqual([kernel.journal.next, order(kernel)], before, names.join());
  }
  assert.match(lines.join("\n"), /the comb broke/);
  assert.equal((await act("set", "e")).verdict, "ok");
});

test("what fits no record is refused as too large, and nothing is applied", async (t) => {
  const { kernel, act } = await brittleHive(t);
  const before = [kernel.journal.next, order(kernel)];
  assert.equal((await act("swell")).code, "journal.oversize");
  assert.deepEqual([kernel.journal.next, order(kernel)], before);
});

test("a decision that falls over is internal, and its cause stands in the log only", async (t) => {
  const { lines, act } = await brittleHive(t);
  const answer = await act("fall");
  assert.equal(answer.kind, "internal");
  assert.doesNotMatch(JSON.stringify(answer), /secret/);
  assert.match(lines.join("\n"), /the secret of the comb/);
});

test("refusals of one ticket with one reason become one record a second; those before a right none", async (t) => {
  const { clock, kernel, session } = await hive(t);
  const bad = kernel.attach(toyAuthority("bob", { "/comb": ["read"] }), "test");
  const before = kernel.journal.next;
  for (let at = 0; at < 10; at += 1) await session.append("/comb/ctl", { op: "retire", bee: `b${at}` });
  for (let at = 0; at < 10; at += 1) await session.append("/comb/ctl", { op: "nothing" });
  for (let at = 0; at < 10; at += 1) await bad.append("/comb/ctl", hatch("maja"));
  await clock.advanceAsync(1000);
  await kernel.settled();
  assert.equal(kernel.journal.next, before + 2);
  const told = [];
  for await (const { verdict } of kernel.journal.records(before, before + 2))
    told.push([verdict.code, verdict.count]);
  assert.deepEqual(told, [
    ["toy.unknown", 10],
    ["gate.schema", 10],
  ]);
});

test("a provider whose tick always wants to act does not keep the hive busy, and others go on", async (t) => {
  const lines: string[] = [];
  let asked = 0;
  const busy = defineProvider({
    name: "busy",
    doc: "Never done",
    initial: () => ({}),
    events: { "did@1": () => undefined },
    tick: {
      next: () => 0,
      decide: () => {
        asked += 1;
        return { events: [{ type: "did@1", data: {} }] };
      },
    },
    mounts: () => ({}),
  });
  const clock = simulatedClock();
  const kernel = await toyHive({
    files: recordingFiles(),
    clock,
    providers: [busy],
    log: (line) => lines.push(line),
  });
  t.after(() => kernel.close());
  for (let turn = 0; turn < 5000; turn += 1) await new Promise((done) => setImmediate(done));
  assert.ok(asked <= 1100, `${asked} ticks within one second`);
  const before = asked;
  await clock.advanceAsync(1000);
  assert.ok(asked > before);
  assert.equal(lines.filter((line) => line.includes("busy")).length, 1);
});
