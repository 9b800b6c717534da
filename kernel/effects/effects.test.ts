import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { faults } from "@skep/fault";
import { defineProvider, emitter, fullAuthority, type Json, type Kernel, type Scope } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { z } from "zod";

const fault = faults("lamp", { broken: ["failed", "Cannot light the lamp"] });
const events = {
  "asked@1": (_lamp: Lamp, _asked: { bee: string }) => undefined,
  "told@1": ({ told }: Lamp, { result }: { result: Json }) => told.set(String(told.size), result),
};
const emit = emitter(events);
const initial = (scope: Scope) => ({ told: scope.table<Json>("told") });
type Lamp = ReturnType<typeof initial>;
type Run = (args: { readonly bee: string }, signal: AbortSignal) => Promise<Json | undefined>;

/** A provider whose one command has one effect. */
function lamp(run: Run, recover: "retry" | "unknown" = "retry", outcome = true) {
  return defineProvider<Lamp>({
    name: "lamp",
    doc: "A lamp",
    initial,
    events,
    effects: { light: { recover, run: (args: never, { signal }) => run(args, signal) } },
    ...(outcome && {
      outcome: (_kind: string, _args: Json, result: Json) => ({ events: [emit("told@1", { result })] }),
    }),
    mounts: (t) => ({
      "/lamp": t.dir("A lamp", {
        ctl: t.control("Light it", {
          input: z.strictObject({ bee: z.string() }),
          undo: "reversible",
          decide: ({ bee }) => ({
            events: [emit("asked@1", { bee })],
            effects: [{ kind: "light", args: { bee } }],
          }),
        }),
        told: t.text("Outcomes", { render: ({ state }) => JSON.stringify([...state.told.values()]) }),
      }),
    }),
  });
}

/** Goes on until the hive stops, as a crash finds it. */
const stuck: Run = (_args, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

async function open(t: TestContext, provider: ReturnType<typeof lamp>, files = recordingFiles()) {
  const lines: string[] = [];
  const kernel = await toyHive({
    files,
    clock: simulatedClock(),
    providers: [provider],
    log: (line) => lines.push(line),
  });
  t.after(() => kernel.close());
  return { files, kernel, lines, session: kernel.attach(fullAuthority("owner"), "test") };
}

const outbox = (kernel: Kernel) => [...kernel.slices.kernel.outbox.keys()];

async function idle(kernel: Kernel): Promise<void> {
  while (kernel.effects.running > 0 || kernel.settled()) await new Promise((done) => setImmediate(done));
}

test("an effect that fails ends by an outcome that says so, and stays in no outbox", async (t) => {
  const { kernel, session } = await open(
    t,
    lamp(() => Promise.reject(fault.broken())),
  );
  await session.append("/lamp/ctl", { bee: "maja" });
  await idle(kernel);
  assert.deepEqual(JSON.parse((await session.read("/lamp/told")).toString()), [
    { failed: { code: "lamp.broken", message: "Cannot light the lamp" } },
  ]);
  assert.deepEqual(outbox(kernel), []);
});

test("what an effect did not raise itself is told in the log only", async (t) => {
  const { kernel, session, lines } = await open(
    t,
    lamp(() => Promise.reject(new Error("the password"))),
  );
  await session.append("/lamp/ctl", { bee: "maja" });
  await idle(kernel);
  assert.doesNotMatch((await session.read("/lamp/told")).toString(), /password/);
  assert.match(lines.join("\n"), /password/);
});

test("an effect in flight at a crash is run again, once, where it can be, and ends by one outcome", async (t) => {
  const never = lamp(stuck);
  const first = await open(t, never);
  await first.session.append("/lamp/ctl", { bee: "maja" });
  const left = first.files.withoutProcess();
  const run: string[] = [];
  const again = await open(
    t,
    lamp(async ({ bee }) => void run.push(bee)),
    left,
  );
  await idle(again.kernel);
  assert.deepEqual([run, outbox(again.kernel)], [["maja"], []]);
  const third = await open(
    t,
    lamp(async ({ bee }) => void run.push(bee)),
    again.files.withoutProcess(),
  );
  await idle(third.kernel);
  assert.deepEqual(run, ["maja"]);
});

test("an effect in flight at a crash that cannot be run again ends as unknown", async (t) => {
  const never = lamp(stuck, "unknown");
  const first = await open(t, never);
  await first.session.append("/lamp/ctl", { bee: "maja" });
  const again = await open(t, never, first.files.withoutProcess());
  await idle(again.kernel);
  assert.equal((await again.session.read("/lamp/told")).toString(), '[{"unknown":true}]');
  assert.deepEqual(outbox(again.kernel), []);
});

test("an outcome that its provider cannot decide ends the effect all the same", async (t) => {
  const provider = { ...lamp(async () => "light"), outcome: () => assert.fail("no idea") };
  const { kernel, session, lines } = await open(t, provider);
  await session.append("/lamp/ctl", { bee: "maja" });
  await idle(kernel);
  assert.deepEqual(outbox(kernel), []);
  assert.match(lines.join("\n"), /no idea/);
});

test("a result that fits no record ends its effect all the same, so that no start comes to it again", async (t) => {
  const { kernel, session, lines } = await open(
    t,
    lamp(async () => "x".repeat(70_000)),
  );
  await session.append("/lamp/ctl", { bee: "maja" });
  await idle(kernel);
  assert.deepEqual(outbox(kernel), []);
  const [told] = JSON.parse((await session.read("/lamp/told")).toString());
  assert.equal(told.failed.code, "journal.oversize");
  assert.match(lines.join("\n"), /light/);
});
