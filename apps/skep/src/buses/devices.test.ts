import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { linkFrame, LinkDeframer, segments } from "@skep/dnp3";
import { FakeOutstation } from "@skep/testing";
import { messageOf } from "../attached/testing.ts";
import { realClock } from "../clock.ts";
import { until } from "../host/testing.ts";
import { deviceOf } from "./program.ts";
import { groupsOf } from "./modbus.ts";
import { areOf, parseRules, type Rules, writableOf } from "./rules.ts";
import { pointTarget } from "./target.ts";
import { yardRules } from "./yard.test.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-bus-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const never = new AbortController().signal;

async function serving(answer: (socket: Socket, bytes: Buffer) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => answer(socket, bytes));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  };
  return { port, [Symbol.asyncDispose]: stop };
}

test("points of a DNP3 outstation are read over TCP, and none is written that the rules do not name", async () => {
  const fragment = Buffer.from("c0810000 1e05000202 01 0000ac41 0102000000 81".replaceAll(" ", ""), "hex");
  const deframer = new LinkDeframer();
  await using outstation = await serving((socket, bytes) => {
    for (const { payload } of deframer.push(bytes)) {
      fragment[0] = 0xc0 | ((payload[1] ?? 0) & 15);
      for (const segment of segments(fragment, 0))
        socket.write(linkFrame({ control: 0x44, destination: 1, source: 1024, payload: segment }));
    }
  });
  const rules = parseRules(
    `[device]
protocol = "dnp3"
tcp = "127.0.0.1:${outstation.port}"
outstation = 1024
[[point]]
name = "level"
kind = "analog"
index = 2
scale = 2
[[point]]
name = "pump"
kind = "binary"
index = 0
`,
    "yard.toml",
  );
  const device = deviceOf(rules, realClock);
  assert.deepEqual(await device.poll(never), [
    { point: "level", value: 43 },
    { point: "pump", value: 1 },
  ]);
  assert.equal(await device.read("pump"), 1);
  await assert.rejects(device.write("pump", 0), { code: "bridge.refused" });
  assert.deepEqual(writableOf(rules), { writable: [], operable: [] });
  device.close();
});

test("outputs of a DNP3 outstation are selected, operated once and seen to be so; its no and its silence are told apart", async () => {
  await using yard = new FakeOutstation();
  await yard.listen();
  const rules = parseRules(yardRules(yard.port), "yard.toml");
  assert.deepEqual(writableOf(rules), { writable: ["lamp", "setpoint"], operable: ["breaker"] });
  const device = deviceOf(rules, realClock);
  try {
    await device.write("lamp", 1);
    assert.deepEqual([await device.read("lamp"), yard.asked.slice(0, 2)], [1, [3, 4]]);
    await device.write("setpoint", 21.5);
    assert.equal(await device.read("setpoint"), 21.5);
    await device.write("breaker", 0);
    assert.deepEqual(yard.operated, ["relay 0 3", "setpoint 0 43", "relay 1 129"]);
    await assert.rejects(device.write("setpoint", 36), { code: "bridge.bounds" });
    await assert.rejects(device.write("lamp", 2), { code: "bridge.bounds" });
    await assert.rejects(device.write("fixed", 1), { code: "bridge.refused" });
    yard.selection = 7;
    await assert.rejects(device.write("lamp", 0), { code: "dnp3.refused", message: /local control/ });
    yard.selection = 0;
    yard.manner = { status: 9 };
    await assert.rejects(device.write("lamp", 0), { code: "dnp3.refused", message: /not authorised/ });
    yard.manner = { status: 6 };
    await assert.rejects(device.write("lamp", 0), { code: "bridge.lost", message: /hardware error/ });
    // It says that it did, and its output does not show it.
    yard.manner = { status: 0 };
    await assert.rejects(device.write("lamp", 0), { code: "bridge.lost", message: /still tells 1/ });
  } finally {
    device.close();
  }
  const hasty = deviceOf(parseRules(yardRules(yard.port, "1s"), "yard.toml"), realClock);
  try {
    yard.manner = "mute";
    const before = yard.asked.filter((code) => code === 5).length;
    await assert.rejects(hasty.write("breaker", 1), { code: "bridge.lost" });
    assert.equal(yard.asked.filter((code) => code === 5).length, before + 1);
  } finally {
    hasty.close();
  }
});

test("signals of a CAN interface come as candump tells them, and its end is told with what it said", async () => {
  const program = join(dir, "candump");
  const rules = parseRules(
    `[device]
protocol = "can"
interface = "vcan0"
candump = "${program}"
[[point]]
name = "temperature"
id = 0x1f0
start = 0
length = 12
order = "big"
signed = true
scale = 0.01
offset = 250
`,
    "can.toml",
  );
  writeFileSync(
    program,
    `#!/bin/sh
[ "$1 $2" = "-L vcan0" ] || exit 9
echo "(1609779922.655421) vcan0 1F0#804A0F0000000000"
echo "(1609779922.655421) vcan0 1F0#80"
echo "noise"
echo "interface gone" >&2
exit 1
`,
  );
  chmodSync(program, 0o700);
  const device = deviceOf(rules, realClock);
  const [reading] = await until("the frame", async () => {
    const came = await device.poll(never).catch(() => []);
    return came.length > 0 ? came : undefined;
  });
  assert.deepEqual(
    [reading?.point, reading?.value.toFixed(2), reading?.changed],
    ["temperature", "255.92", 1609779922655],
  );
  await until("the end", () =>
    device.poll(never).then(
      () => undefined,
      (thrown) => (/interface gone/.test(String(thrown)) ? true : undefined),
    ),
  );
  device.close();
});

const modbus = (points: string): Rules =>
  parseRules(`[device]\nprotocol = "modbus"\ntcp = "127.0.0.1:1"\n${points}`, "m.toml");

test("points that lie near one another are read with one question, and no question asks for too much", () => {
  const at = (name: string, address: number, more = "") =>
    `[[point]]\nname = "${name}"\ntable = "holding"\naddress = ${address}\n${more}\n`;
  const rules = modbus(
    [
      at("a", 0),
      at("b", 4, 'type = "f32"'),
      at("c", 40),
      at("d", 41, "unit = 2"),
      at("e", 31),
      at("f", 200),
    ].join(""),
  );
  assert.ok(areOf(rules, "modbus"));
  assert.deepEqual(
    groupsOf(rules.point).map(({ unit, address, count, points }) => [unit, address, count, points.length]),
    [
      [1, 0, 6, 2],
      [1, 31, 10, 2],
      [1, 200, 1, 1],
      [2, 41, 1, 1],
    ],
  );
  const many = modbus(Array.from({ length: 200 }, (_, nth) => at(`p${nth}`, nth)).join(""));
  assert.ok(areOf(many, "modbus"));
  assert.deepEqual(
    groupsOf(many.point).map(({ count }) => count),
    [125, 75],
  );
});

test("rules that cannot be meant are told with their place", () => {
  const wrong = (text: string): string => messageOf(() => parseRules(text, "x.toml"));
  const point = '[[point]]\nname = "a"\ntable = "holding"\naddress = 1\n';
  assert.match(wrong(`[device]\nprotocol = "profibus"`), /expected modbus, dnp3 or can/);
  assert.match(wrong(`[device]\nprotocol = "modbus"\n${point}`), /device: say tcp or serial/);
  assert.match(wrong(`[device]\nprotocol = "modbus"\ntcp = "h:70000"\n${point}`), /a port up to 65535/);
  assert.match(
    wrong(`[device]\nprotocol = "modbus"\ntcp = "h:1"\n${point}${point}`),
    /two points have one name/,
  );
  assert.match(wrong(`[device]\nprotocol = "modbus"\ntcp = "h:1"\n${point}colour = 1\n`), /point\.0/);
  assert.match(wrong("[device"), /x\.toml: /);
  const long = Array.from({ length: 300 }, (_, nth) => point.replace('"a"', `"${"n".repeat(55)}.${nth}"`));
  assert.match(
    wrong(`[device]\nprotocol = "modbus"\ntcp = "h:1"\n${long.join("")}`),
    /names of \d+ of 15872 bytes together/,
  );
});

test("what stands at a point tells whether it was written, and a pulse tells nothing", async () => {
  const device = {
    poll: async () => [],
    read: async () => 20,
    write: async () => undefined,
    pulses: (point: string) => point === "start",
    repeats: (point: string) => point !== "lazy",
    close: () => undefined,
  };
  const target = pointTarget(device, () => 0.1);
  const act = (value: number) => ({
    verb: "write",
    target: "a",
    params: { value },
    ticket: "t",
    signal: never,
  });
  assert.equal(target.done(act(21.5), { value: 20 }, { value: 21.500000001 }), "yes");
  assert.equal(target.done(act(21.54), { value: 20 }, { value: 21.5 }), "yes");
  assert.equal(target.done(act(21.5), { value: 20 }, { value: 20 }), "no");
  assert.equal(target.done(act(21.5), { value: 20 }, { value: 25 }), "unknown");
  assert.equal(target.done(act(21.5), undefined, { value: 21.5 }), "unknown");
  assert.equal(target.done({ ...act(21.5), target: "lazy" }, { value: 20 }, { value: 20 }), "unknown");
  assert.deepEqual(await target.evidence("a", "write", never), { value: 20 });
  assert.equal(await target.evidence("start", "write", never), undefined);
});
