import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { toFault } from "@skep/fault";
import { fullAuthority } from "@skep/kernel";
import { busesProvider, type LoraAdapter } from "@skep/provider-buses";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { Power } from "../../attached/testing.ts";
import { faultOf } from "../../client/control.ts";
import { type DownlinkDeps, Downlinks, readSchedule } from "./downlinks.ts";
import type { Entry, FrameMemory, Told } from "./memory.ts";
import { parseRules, type Rules } from "./rules.ts";

const mast: LoraAdapter = {
  ...{ id: "mast", label: "mast", scope: "mast", region: "eu868", duty: 100, window: 1000, payload: 32 },
  ...{ tamper: 8, airtime: { sf: 7, bw: 125, cr: 5, preamble: 8 } },
};

const rules = (): Rules =>
  parseRules(
    `[radio]
[[gateway]]
eui = "aa555a0000000101"
[downlink]
freq = 869.525
rate = "SF7BW125"
power = 14
duty = 100`,
    "mast.toml",
  );

/** What an agent remembers, as its disk keeps it. */
class Kept implements FrameMemory {
  cursor = -1;
  slots: DownlinkDeps["memory"]["slots"] = [];
  readonly #entries = new Map<number, Entry>();
  power = new Power(Number.POSITIVE_INFINITY);

  get(n: number): Entry | undefined {
    return this.#entries.get(n);
  }

  put(n: number, entry: Entry, slots = this.slots): void {
    this.power.step();
    this.cursor = Math.max(this.cursor, n);
    this.#entries.set(n, entry);
    this.slots = slots;
    this.power.step();
  }

  forget(n: number): void {
    this.power.step();
    this.#entries.delete(n);
    this.power.step();
  }

  numbers(): readonly number[] {
    return [...this.#entries.keys()];
  }
}

/** A radio with two granted frames, of which a gateway counts what it was asked to send. */
async function radio(context: TestContext, answer: Told["state"] = "sent") {
  const clock = simulatedClock();
  const openSpool = () => assert.fail("there is no bus");
  const kernel = await toyHive({
    ...{ files: recordingFiles(), clock },
    providers: [busesProvider({ buses: [], radios: [mast], openSpool })],
  });
  context.after(() => kernel.close());
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const say = async (line: object) => {
    const told = await owner.append("/lora/mast/ctl", JSON.stringify(line));
    const refused = faultOf(told);
    if (refused) throw refused;
    return told.result as { readonly n: number };
  };
  const read = async (file: string) =>
    JSON.parse(Buffer.from(await owner.read(`/lora/mast/${file}`)).toString());
  const asked: string[] = [];
  const memory = new Kept();
  /** One start of the agent, as long as its power lasts; true where it was cut. */
  const life = async (incarnation: string, steps: number, how: () => Rules = rules): Promise<boolean> => {
    const power = new Power(steps);
    memory.power = power;
    await say({ op: "hello", incarnation, version: "1" });
    const downlinks = new Downlinks({
      ...{ rules: how, memory, clock, log: () => undefined, signal: power.off.signal },
      schedule: async () => readSchedule(JSON.stringify(await read("schedule.json"))),
      say: (line) => power.around(async () => void (await say({ incarnation, ...line }))),
      incarnation: () => incarnation,
      ready: () => true,
      transmit: ({ data }) =>
        power.around((): Told => {
          asked.push(data.toString());
          // What follows is granted behind it.
          clock.advance(40);
          return { state: answer, reason: answer === "sent" ? "" : "so it is" };
        }),
    });
    await downlinks.drive();
    let over = false;
    const ended = downlinks.idle().finally(() => {
      over = true;
    });
    // Time goes on while the agent waits for it.
    while (!over) {
      clock.advance(1);
      await new Promise((done) => void setImmediate(done));
    }
    await ended;
    return power.left <= 0;
  };
  const send = (text: string) => say({ op: "send", b64: Buffer.from(text).toString("base64"), within_s: 60 });
  const outcomes = async () =>
    ((await read("outcomes.json")) as { n: number; state: string; reason?: string }[]).map(
      ({ state, reason }) => [state, reason] as const,
    );
  return { clock, memory, life, send, outcomes, asked, say };
}

test("wherever the agent's power is cut, a frame is sent at most once, and what is told of it is so", async (context) => {
  const seen = new Set<string>();
  let cuts = 0;
  for (let cut = 0; cut < 40; cut += 1) {
    const at = await radio(context);
    await at.send("one");
    await at.send("two");
    if (await at.life("11111111", cut)) cuts += 1;
    await at.life("22222222", Number.POSITIVE_INFINITY);
    await at.life("33333333", Number.POSITIVE_INFINITY);
    const told = await at.outcomes();
    assert.equal(told.length, 2, `cut ${cut}`);
    for (const [nth, text] of ["one", "two"].entries()) {
      const times = at.asked.filter((one) => one === text).length;
      const [state = ""] = told[nth] ?? [];
      seen.add(`${state} ${times}`);
      assert.ok(times <= 1, `cut ${cut}: ${text} ${times} times`);
      if (state === "sent") assert.equal(times, 1, `cut ${cut}`);
      if (state === "refused") assert.equal(times, 0, `cut ${cut}`);
    }
    assert.deepEqual(at.memory.numbers(), [], `cut ${cut}`);
  }
  assert.ok(cuts > 20, `${cuts} cuts`);
  assert.deepEqual([...seen].sort(), ["refused 0", "sent 1", "unsure 0", "unsure 1"]);
});

test("what a hive tells in another form than that of granted frames is not remembered", () => {
  const frame = { n: 7, at_ms: 1, airtime_ms: 30, b64: "AQID", state: "granted", claim: "", by: "ann" };
  assert.equal(readSchedule(JSON.stringify([frame]))[0]?.n, 7);
  for (const wrong of [{ n: null }, { n: 7.5 }, { at_ms: "1" }, { b64: 1 }, { state: "sent" }])
    assert.throws(() => readSchedule(JSON.stringify([{ ...frame, ...wrong }])), { code: "gateway.schedule" });
  assert.throws(() => readSchedule("{}"), { code: "gateway.schedule" });
});

test("an agent that lost its memory sends nothing that another start began", async (context) => {
  const at = await radio(context);
  const { n } = await at.send("one");
  await at.say({ op: "hello", incarnation: "11111111", version: "1" });
  await at.say({ op: "begin", incarnation: "11111111", frame: n });
  await at.life("22222222", Number.POSITIVE_INFINITY);
  assert.deepEqual(at.asked, []);
  assert.deepEqual(await at.outcomes(), [["unsure", "another start of the agent began it"]]);
});

test("a hive that went back to before a frame was taken does not get it sent again", async (context) => {
  const at = await radio(context);
  const { n } = await at.send("one");
  at.memory.cursor = n;
  await at.life("22222222", Number.POSITIVE_INFINITY);
  assert.deepEqual([at.asked, (await at.outcomes())[0]?.[0]], [[], "unsure"]);
});

test("what the machine's own rules do not let be sent is refused, whatever the hive granted", async (context) => {
  const at = await radio(context);
  const cases: readonly (readonly [() => Rules, RegExp])[] = [
    [() => ({ ...rules(), downlink: undefined }), /have no downlink/],
    [() => parseRules("", "gone.toml"), /Cannot use the rules/],
    [
      () => JSON.parse(JSON.stringify(rules()).replace("SF7BW125", "SF12BW125")) as Rules,
      /longer on the air/,
    ],
    [
      () => JSON.parse(JSON.stringify(rules()).replace(/"budgetMs":\d+/, '"budgetMs":10')) as Rules,
      /duty cycle/,
    ],
  ];
  for (const [how] of cases) {
    await at.send("one");
    await at
      .life(`${Math.floor(at.clock.now())}`.slice(-8), Number.POSITIVE_INFINITY, how)
      .catch((thrown) => {
        throw toFault(thrown);
      });
    at.clock.advance(100);
  }
  assert.deepEqual(at.asked, []);
  for (const [nth, [state, reason = ""]] of (await at.outcomes()).entries()) {
    assert.equal(state, "refused");
    assert.match(reason, cases[nth]?.[1] ?? /never/);
  }
  assert.equal((await at.outcomes()).length, cases.length);
});
