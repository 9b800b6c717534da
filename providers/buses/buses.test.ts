import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type Authority, fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { type BusAdapter, type BusSpool, busesProvider, type LoraAdapter } from "./mod.ts";

const main: BusAdapter = {
  id: "modbus-main",
  label: "modbus-main",
  scope: "modbus-main",
  protocol: "modbus",
  serial: 19_200,
  spool: { entries: 3, bytes: 64 },
  link: "offline",
  replay: "manual",
};
const plant: BusAdapter = {
  ...main,
  id: "plant",
  label: "plant",
  scope: "plant",
  link: "online",
  replay: "auto",
};
const radio: LoraAdapter = {
  id: "lora-main",
  label: "lora-main",
  scope: "lora-main",
  region: "us915",
  duty: 1,
  window: 1000,
  payload: 64,
  tamper: 3,
  airtime: "bytes",
};

/** A spool that outlives the hive, as a disk does. */
class Kept implements BusSpool {
  readonly lines: { seq: number; payload: Uint8Array }[] = [];
  #next = 1;
  async append(line: Uint8Array): Promise<number> {
    this.lines.push({ seq: this.#next, payload: Buffer.from(line) });
    this.#next += 1;
    return this.#next - 1;
  }
  waiting() {
    return [...this.lines];
  }
  async acknowledge(seq: number): Promise<void> {
    while (this.lines[0] && this.lines[0].seq <= seq) this.lines.shift();
  }
}

const as = (role: string, subject: string): Authority => ({
  ...fullAuthority(subject, role, `${role}-${subject}`),
});

interface RigOptions {
  readonly disk?: Map<string, Kept>;
  readonly files?: ReturnType<typeof recordingFiles>;
}

async function rig(context: TestContext, { disk = new Map(), files = recordingFiles() }: RigOptions = {}) {
  const clock = simulatedClock();
  const provider = busesProvider({
    buses: [main, plant],
    radios: [radio],
    openSpool: async (bus) => {
      const kept = disk.get(bus) ?? new Kept();
      disk.set(bus, kept);
      return kept;
    },
  });
  const kernel = await toyHive({ files, clock, providers: [provider] });
  context.after(() => kernel.close());
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const read = async (path: string, by = owner) => Buffer.from(await by.read(path)).toString();
  const say = async (path: string, line: object | string, by = owner) => {
    const { verdict, code, result } = await by.append(
      path,
      typeof line === "string" ? line : JSON.stringify(line),
    );
    return { told: verdict === "ok" ? "ok" : code, result };
  };
  const write = async (path: string, text: string, by = owner) => {
    const handle = await by.open(await by.find(path), { read: false, write: true });
    try {
      return await handle.write(0, Buffer.from(text));
    } finally {
      await handle.close();
    }
  };
  const turns = async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      await kernel.settled();
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  const pass = async (ms: number) => {
    clock.advance(ms);
    await turns();
  };
  return { kernel, clock, owner, read, say, write, turns, pass, disk, files };
}

test("what comes while the link is offline is spooled up to its limits, and replayed in order, once", async (context) => {
  const { read, write, say } = await rig(context);
  assert.equal(await read("/bus/modbus-main/spool"), "entries=0 bytes=0 max_entries=3 max_bytes=64\n");
  assert.equal(await write("/bus/modbus-main/telemetry", "t=1\n"), 4);
  assert.equal(await write("/bus/modbus-main/telemetry", "t=2"), 3);
  assert.equal(await read("/bus/modbus-main/spool"), "entries=2 bytes=6 max_entries=3 max_bytes=64\n");
  assert.deepEqual(JSON.parse(await read("/bus/modbus-main/spool.json")), [
    { seq: 1, payload: "t=1" },
    { seq: 2, payload: "t=2" },
  ]);
  assert.equal(await read("/bus/modbus-main/telemetry"), "");
  await assert.rejects(write("/bus/modbus-main/telemetry", `${"x".repeat(60)}\n`), { code: "bus.full" });
  assert.equal(await write("/bus/modbus-main/telemetry", "t=3\nt=4\n"), 4);
  await write("/bus/modbus-main/replay", "go\n");
  assert.equal(await read("/bus/modbus-main/telemetry"), "t=1\nt=2\nt=3\n");
  assert.equal(await read("/bus/modbus-main/replay"), "replay entries=3 bytes=9\n");
  assert.equal(await read("/bus/modbus-main/spool"), "entries=0 bytes=0 max_entries=3 max_bytes=64\n");
  assert.equal((await say("/bus/modbus-main/link", "online")).told, "ok");
  await write("/bus/modbus-main/telemetry", "t=5\n");
  assert.equal(await read("/bus/modbus-main/telemetry"), "t=1\nt=2\nt=3\nt=5\n");
  assert.match(await read("/log/queen.log").catch(() => "none"), /^none|link=online/);
});

test("a spool outlives the hive, and passes by itself once the link is back where the bus says so", async (context) => {
  const { kernel, disk, files, say, write, read } = await rig(context);
  assert.equal((await say("/bus/plant/link", "offline the mast fell")).told, "ok");
  assert.match(await read("/bus/plant/link"), /^state=offline since_ms=\d+ reason="the mast fell"\n$/);
  await write("/bus/plant/telemetry", "t=1\nt=2\n");
  await kernel.close();
  const later = await rig(context, { disk, files: recordingFiles(files.image()) });
  assert.match(await later.read("/bus/plant/link"), /^state=offline/);
  assert.match(await later.read("/bus/plant/spool"), /^entries=2 /);
  assert.equal((await later.say("/bus/plant/link", "online")).told, "ok");
  await later.turns();
  assert.equal(await later.read("/bus/plant/telemetry"), "t=1\nt=2\n");
  assert.equal((await later.say("/bus/plant/link", "sideways")).told, "bus.link");
});

test("what a bridge tells again after a cut is there once, spooled or not", async (context) => {
  const { write, read, say } = await rig(context);
  const line = (seq: number) => `{"source":"spool:1","seq":${seq},"t":${seq}}\n`;
  await write("/bus/plant/telemetry", line(1) + line(2));
  await write("/bus/plant/telemetry", line(2) + line(3));
  await say("/bus/plant/link", "offline");
  await write("/bus/plant/telemetry", line(3) + line(4));
  await write("/bus/plant/telemetry", line(4));
  assert.match(await read("/bus/plant/spool"), /^entries=1 /);
  await say("/bus/plant/link", "online");
  await write("/bus/plant/replay", "1");
  assert.equal(await read("/bus/plant/telemetry"), [1, 2, 3, 4].map(line).join(""));
});

test("a worker of a bus sees its own adapter alone, and one of the other kind is refused and told of in the log", async (context) => {
  const { kernel, write } = await rig(context);
  const bus = kernel.attach(as("worker-bus", "bus/modbus-main"), "test");
  const names = async (path: string, session = bus) =>
    (await Array.fromAsync(await session.list(await session.find(path)))).map(({ name }) => name);
  assert.deepEqual(await names("/bus"), ["modbus-main"]);
  await assert.rejects(bus.find("/bus/plant/spool"), { kind: "absent" });
  await write("/bus/modbus-main/telemetry", "t=1\n", bus);
  await assert.rejects(names("/lora"), { kind: "denied", code: "bus.kind" });
  await assert.rejects(bus.find("/lora/lora-main/ctl"), { kind: "denied", code: "bus.kind" });
  const log = kernel.rings.ring("/log/queen.log");
  assert.equal(Buffer.from(log.read(0, 1000)).toString(), "sidecar-deny kind=lora scope=modbus-main\n");
  const lora = kernel.attach(as("worker-lora", "lora-main"), "test");
  assert.deepEqual(await names("/lora", lora), ["lora-main"]);
  await assert.rejects(lora.find("/bus/modbus-main"), { kind: "denied" });
});

const incarnation = "0123456789abcdef";

async function withBridge(context: TestContext) {
  const hive = await rig(context);
  const bridge = hive.kernel.attach(as("worker-bus", "plant"), "test");
  const tell = async (line: object) =>
    (await hive.say("/bus/plant/ctl", { incarnation, ...line }, bridge)).told;
  assert.equal(
    await tell({ op: "hello", version: "1", points: ["level", "setpoint"], writable: ["setpoint"] }),
    "ok",
  );
  const ask = async (line: object) => (await hive.say("/bus/plant/ctl", { op: "write", ...line })).told;
  const found = async (id: string) =>
    (JSON.parse(await hive.read("/bus/plant/writes.json")) as Record<string, unknown>[]).find(
      (one) => one.id === id,
    );
  return { ...hive, bridge, tell, ask, found };
}

test("a write is queued once, begun once, and ends as its bridge tells", async (context) => {
  const { tell, ask, found, read } = await withBridge(context);
  const line = { id: "w-1", point: "setpoint", value: 21.5 };
  assert.equal(await ask(line), "ok");
  assert.equal(await ask(line), "ok");
  assert.equal(await ask({ ...line, value: 22 }), "bus.taken");
  assert.equal(await ask({ ...line, id: "w-2", point: "level" }), "bus.point");
  const [pending] = JSON.parse(await read("/bus/plant/pending.json")) as Record<string, unknown>[];
  assert.deepEqual(
    [pending?.action, pending?.target, pending?.params],
    ["bus.write", "setpoint", { value: 21.5 }],
  );
  assert.match(await read("/bus/plant/inbox"), /^\{"n":\d+,"ticket":"w-1"\}\n$/);
  assert.equal(await tell({ op: "running", ticket: "w-1", before: { value: 20 } }), "bus.state");
  assert.equal(await tell({ op: "claim", ticket: "w-1" }), "ok");
  assert.equal(await tell({ op: "running", ticket: "w-1", before: { value: 20 } }), "ok");
  assert.equal(await tell({ op: "claim", ticket: "w-1" }), "bus.state");
  const report = { op: "report", ticket: "w-1", state: "succeeded", evidence: { value: 21.5 } };
  assert.equal(await tell(report), "ok");
  assert.equal(await tell(report), "ok");
  const { state, before, evidence, by } = (await found("w-1")) ?? {};
  assert.deepEqual([state, before, evidence, by], ["succeeded", { value: 20 }, { value: 21.5 }, "owner"]);
  assert.equal(await read("/bus/plant/pending"), "");
});

test("a bridge may not order writes itself, and an older one may do nothing more", async (context) => {
  const { tell, say, bridge, ask } = await withBridge(context);
  const line = { op: "write", id: "w-1", point: "setpoint", value: 1 };
  assert.equal((await say("/bus/plant/ctl", line, bridge)).told, "bus.role");
  assert.equal(await ask({ id: "w-1", point: "setpoint", value: 1 }), "ok");
  const other = "fedcba9876543210";
  assert.equal(await tell({ op: "hello", incarnation: other, version: "1", writable: ["setpoint"] }), "ok");
  assert.equal(await tell({ op: "claim", ticket: "w-1" }), "bus.superseded");
  // It comes back after its line was cut, and does not take the place again.
  assert.equal(await tell({ op: "hello", version: "1", writable: ["setpoint"] }), "bus.superseded");
  assert.equal(await tell({ op: "claim", ticket: "w-1", incarnation: other }), "ok");
});

test("a write that nobody begins expires, and one that was begun and not told of is unknown", async (context) => {
  const { ask, tell, found, pass } = await withBridge(context);
  for (const id of ["w-1", "w-2"])
    assert.equal(await ask({ id, point: "setpoint", value: 1, ttl_s: 10 }), "ok");
  assert.equal(await tell({ op: "claim", ticket: "w-2" }), "ok");
  assert.equal(await tell({ op: "running", ticket: "w-2", before: null }), "ok");
  await pass(11_000);
  assert.deepEqual([(await found("w-1"))?.state, (await found("w-2"))?.state], ["expired", "unknown"]);
  assert.equal(await tell({ op: "report", ticket: "w-2", state: "succeeded", evidence: { value: 1 } }), "ok");
  await pass(24 * 3_600_000);
  assert.equal(await found("w-1"), undefined);
  assert.equal(await ask({ id: "w-1", point: "setpoint", value: 2 }), "ok");
});

test("a radio sends within its duty cycle, and what was refused is in its tamper log after a restart too", async (context) => {
  const { say, read, pass, kernel, files, disk } = await rig(context);
  assert.equal((await say("/lora/lora-main/ctl", "abcd")).told, "ok");
  assert.equal((await say("/lora/lora-main/ctl", "efghij")).told, "ok");
  assert.equal((await say("/lora/lora-main/ctl", "k")).told, "lora.duty");
  assert.equal((await say("/lora/lora-main/ctl", "x".repeat(65))).told, "lora.oversize");
  const late = await say("/lora/lora-main/ctl", { op: "send", b64: "AQID", within_s: 5 });
  assert.equal(late.told, "ok");
  assert.equal(await read("/lora/lora-main/telemetry"), "abcd\nefghij\n\u0001\u0002\u0003\n");
  const granted = JSON.parse(await read("/lora/lora-main/schedule.json")) as {
    at_ms: number;
    airtime_ms: number;
  }[];
  const [first, , third] = granted;
  assert.deepEqual(
    granted.map(({ airtime_ms }) => airtime_ms),
    [4, 6, 3],
  );
  assert.equal((third?.at_ms ?? 0) - (first?.at_ms ?? 0), 1000);
  // A refusal is journalled within a second, and stands in the log within another.
  for (let beat = 0; beat < 3; beat += 1) await pass(1000);
  const tamper =
    /^tamper ts_ms=\d+ reason=duty-cycle bytes=1\ntamper ts_ms=\d+ reason=payload-oversize bytes=65\n$/;
  assert.match(await read("/lora/lora-main/tamper"), tamper);
  await kernel.close();
  const later = await rig(context, { disk, files: recordingFiles(files.image()) });
  assert.match(await later.read("/lora/lora-main/tamper"), tamper);
  for (let at = 0; at < 5; at += 1) {
    assert.equal((await later.say("/lora/lora-main/ctl", "x".repeat(20 + at))).told, "lora.duty");
    for (let beat = 0; beat < 3; beat += 1) await later.pass(1000);
  }
  assert.deepEqual(
    (JSON.parse(await later.read("/lora/lora-main/tamper.json")) as { bytes: number }[]).map(
      ({ bytes }) => bytes,
    ),
    [22, 23, 24],
  );
});

test("a gateway that tells what it sent empties the schedule, and what nobody tells of goes by itself", async (context) => {
  const { say, read, pass, kernel } = await rig(context);
  const gateway = kernel.attach(as("worker-lora", "lora-main"), "test");
  const { result } = await say("/lora/lora-main/ctl", "ab");
  await say("/lora/lora-main/ctl", "cd");
  const { n } = result as { n: number };
  const sent = { op: "sent", incarnation, frames: [n] };
  assert.equal((await say("/lora/lora-main/ctl", sent, gateway)).told, "bus.superseded");
  assert.equal(
    (await say("/lora/lora-main/ctl", { op: "hello", incarnation, version: "1" }, gateway)).told,
    "ok",
  );
  assert.equal((await say("/lora/lora-main/ctl", sent, gateway)).told, "ok");
  assert.match(await read("/lora/lora-main/schedule"), /^n=\d+ at_ms=\d+ airtime_ms=2 bytes=2\n$/);
  await pass(61_000);
  assert.equal(await read("/lora/lora-main/schedule"), "");
});

test("what became of a transmission is told once and kept, and what one start began no other begins", async (context) => {
  const { say, read, pass, kernel } = await rig(context);
  const gateway = kernel.attach(as("worker-lora", "lora-main"), "test");
  const tell = async (line: object) =>
    (await say("/lora/lora-main/ctl", { incarnation, ...line }, gateway)).told;
  const send = async (text: string) =>
    ((await say("/lora/lora-main/ctl", text)).result as { readonly n: number }).n;
  const [first, second, third, fourth] = [
    await send("ab"),
    await send("c"),
    await send("d"),
    await send("e"),
  ];
  assert.equal(await tell({ op: "hello", version: "1" }), "ok");
  assert.equal(await tell({ op: "begin", frame: first }), "ok");
  assert.equal(await tell({ op: "begin", frame: first }), "ok");
  assert.equal(await tell({ op: "begin", frame: 999 }), "lora.unknown");
  assert.match(await read("/lora/lora-main/schedule"), /^n=\d+ .*state=begun\n/);
  const later = "fedcba9876543210";
  assert.equal(await tell({ op: "hello", version: "1", incarnation: later }), "ok");
  assert.equal(await tell({ op: "hello", version: "1" }), "bus.superseded");
  assert.equal(await tell({ op: "begin", frame: first, incarnation: later }), "lora.state");
  const told = { op: "told", frame: first, state: "unsure", reason: "no answer", incarnation: later };
  assert.equal(await tell({ ...told, incarnation }), "bus.superseded");
  assert.equal(await tell(told), "ok");
  assert.equal(await tell(told), "ok");
  assert.equal(await tell({ ...told, state: "sent" }), "lora.state");
  assert.equal(await tell({ op: "begin", frame: first, incarnation: later }), "lora.unknown");
  assert.equal(await tell({ op: "sent", frames: [second], incarnation: later }), "ok");
  assert.equal(await tell({ op: "begin", frame: third, incarnation: later }), "ok");
  await pass(61_000);
  const outcomes = async () =>
    (JSON.parse(await read("/lora/lora-main/outcomes.json")) as { n: number; state: string }[]).map(
      ({ n, state }) => [n, state],
    );
  assert.deepEqual(await outcomes(), [
    [first, "unsure"],
    [second, "sent"],
    [third, "unsure"],
    [fourth, "expired"],
  ]);
  // The hive gave it up by itself, and its gateway knows better.
  assert.equal(await tell({ op: "told", frame: third, state: "sent", incarnation: later }), "ok");
  assert.deepEqual((await outcomes())[2], [third, "sent"]);
  assert.match(await read("/lora/lora-main/outcomes"), /^n=\d+ state=unsure .*reason="no answer"\n/);
});
