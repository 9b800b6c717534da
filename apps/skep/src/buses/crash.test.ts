import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { type BusAdapter, busesProvider } from "@skep/provider-buses";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { Kept, live } from "../attached/testing.ts";
import type { Pending } from "../attached/tickets.ts";
import { faultOf } from "../client/control.ts";
import type { Device } from "./device.ts";
import { pointTarget } from "./target.ts";

const plant: BusAdapter = {
  id: "plant",
  label: "plant",
  scope: "plant",
  protocol: "modbus",
  serial: 0,
  spool: { entries: 8, bytes: 512 },
  link: "online",
  replay: "manual",
};

/** One write of 30 over 20, with the power off after `cut` steps of the first bridge. */
async function play(context: TestContext, cut: number, kind: "register" | "pulse" | "output") {
  const openSpool = () => assert.fail("the link was never offline");
  const kernel = await toyHive({
    ...{ files: recordingFiles(), clock: simulatedClock() },
    providers: [busesProvider({ buses: [plant], radios: [], openSpool })],
  });
  context.after(() => kernel.close());
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const say = async (line: object) => {
    const refused = faultOf(await owner.append("/bus/plant/ctl", JSON.stringify(line)));
    if (refused) throw refused;
  };
  const read = async (file: string) =>
    JSON.parse(Buffer.from(await owner.read(`/bus/plant/${file}`)).toString());
  const register = { value: 20, writes: 0 };
  const memory = new Kept();
  const life = async (incarnation: string, steps: number): Promise<boolean> => {
    await say({ op: "hello", incarnation, version: "1", points: ["a"], writable: ["a"] });
    return live({
      ...{ steps, incarnation, memory, say, clock: simulatedClock() },
      pending: async () => (await read("pending.json")) as Pending[],
      target: (power) => {
        const device: Device = {
          poll: async () => [],
          read: () => power.around(() => register.value),
          write: (_point, value) =>
            power.around(() => {
              register.writes += 1;
              if (kind !== "pulse") register.value = value;
            }),
          pulses: () => kind === "pulse",
          repeats: () => kind === "register",
          close: () => undefined,
        };
        return pointTarget(device, () => 0);
      },
    });
  };
  await say({ op: "hello", incarnation: "00000000", version: "1", points: ["a"], writable: ["a"] });
  await say({ op: "write", id: "w-1", point: "a", value: 30 });
  const wasCut = await life("11111111", cut);
  await life("22222222", Number.POSITIVE_INFINITY);
  await life("33333333", Number.POSITIVE_INFINITY);
  const [write] = (await read("writes.json")) as { state: string; evidence: unknown }[];
  return { state: write?.state, evidence: write?.evidence, writes: register.writes, cut: wasCut };
}

test("wherever the bridge's power is cut, a register is written exactly once", async (context) => {
  let cuts = 0;
  for (let cut = 0; cut < 30; cut += 1) {
    const { state, evidence, writes, cut: was } = await play(context, cut, "register");
    assert.deepEqual([cut, state, evidence, writes], [cut, "succeeded", { value: 30 }, 1]);
    if (was) cuts += 1;
  }
  assert.ok(cuts > 10, `${cuts} cuts`);
});

test("a command that the device takes away again is never given twice, and ends unknown where nobody can tell", async (context) => {
  const states = new Set<string | undefined>();
  for (let cut = 0; cut < 24; cut += 1) {
    const { state, writes } = await play(context, cut, "pulse");
    assert.ok(writes <= 1, `cut ${cut}: ${writes} times`);
    if (state === "succeeded") assert.equal(writes, 1, `cut ${cut}`);
    states.add(state);
  }
  assert.deepEqual([...states].sort(), ["succeeded", "unknown"]);
});

test("an output that may show late what it was operated to is never operated twice, and done where it shows it", async (context) => {
  const states = new Set<string>();
  for (let cut = 0; cut < 24; cut += 1) {
    const { state = "", writes } = await play(context, cut, "output");
    assert.ok(writes <= 1, `cut ${cut}: ${writes} times`);
    if (state === "succeeded") assert.equal(writes, 1, `cut ${cut}`);
    states.add(`${state} ${writes}`);
  }
  assert.deepEqual([...states].sort(), ["succeeded 1", "unknown 0"]);
});
