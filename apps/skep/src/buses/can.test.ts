import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseDumpLine } from "@skep/can";
import { simulatedClock } from "@skep/testing";
import { realClock } from "../clock.ts";
import { until } from "../host/testing.ts";
import { Echo } from "./can-send.ts";
import { deviceOf } from "./program.ts";
import { parseRules, writableOf } from "./rules.ts";

/** A bus in a file: whoever sends appends to it, whoever listens follows it. */
function fakeBus() {
  const dir = mkdtempSync(join(tmpdir(), "skep-can-"));
  const [log, sent, answer] = [join(dir, "log"), join(dir, "sent"), join(dir, "answer")];
  writeFileSync(log, "");
  const program = (name: string, text: string) => {
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(dir, name), 0o700);
    return join(dir, name);
  };
  const candump = program(
    "candump",
    `[ "$1 $2 $3" = "-L -x can9,0:0,#FFFFFFFF" ] || { echo "$*" >&2; exit 9; }\nexec tail -n +1 -f ${log}`,
  );
  const cansend = program("cansend", `echo "$1 $2" >> ${sent}\n. ${answer}`);
  const line = (frame: string, way: string) => `echo "(1609779922.655421) can9 ${frame} ${way}" >> ${log}`;
  return {
    ...{ dir, candump, cansend, line },
    /** What sending does from here on: words of a shell, with the frame in "$2". */
    does: (...text: string[]) => writeFileSync(answer, `${text.join("\n")}\n`),
    frames: () => (existsSync(sent) ? readFileSync(sent, "utf8").trim().split("\n") : []),
  };
}

test("a CAN frame that comes back from the bus was sent once, one that the interface refuses was not, and what shows nothing is unsure", async () => {
  const bus = fakeBus();
  const rules = parseRules(
    `[device]
protocol = "can"
interface = "can9"
candump = "${bus.candump}"
cansend = "${bus.cansend}"
timeout = "20s"
settle = "400ms"
[[point]]
name = "horn"
id = 0x123
start = 8
length = 8
data = "AA00FF"
write = true
most = 5
[[point]]
name = "lamp"
id = 0x1ABCDEF0
extended = true
start = 0
length = 8
data = "00"
write = true
shown_by = "shown"
[[point]]
name = "shown"
id = 0x200
start = 0
length = 8
`,
    "can.toml",
  );
  assert.deepEqual(writableOf(rules), { writable: ["lamp"], operable: ["horn"] });
  const device = deviceOf(rules, realClock);
  try {
    bus.does(bus.line("$2", "T"));
    await device.write("horn", 3);
    assert.deepEqual(bus.frames(), ["can9 123#AA03FF"]);
    await assert.rejects(device.write("horn", 6), { code: "bridge.bounds" });
    await assert.rejects(device.write("shown", 1), { code: "bridge.refused" });
    bus.does('echo "write: No buffer space available" >&2', "exit 1");
    await assert.rejects(device.write("horn", 4), { code: "bridge.send", message: /No buffer space/ });
    assert.equal(bus.frames().length, 2);
    assert.deepEqual(
      [device.pulses("horn"), device.pulses("lamp"), device.repeats("lamp")],
      [true, false, false],
    );
    await assert.rejects(device.read("lamp"), { code: "bridge.device" });
    bus.does(bus.line("$2", "T"), bus.line("200#07", "R"));
    await device.write("lamp", 7);
    assert.equal(await device.read("lamp"), 7);
    bus.does(bus.line("$2", "T"));
    await assert.rejects(device.write("lamp", 8), { code: "bridge.lost", message: /shown still tells 7/ });
    assert.equal(bus.frames().at(-1), "can9 1ABCDEF0#08");
    // What this machine told devices is no word of theirs.
    const readings = await until("the readings", async () => {
      const came = await device.poll(new AbortController().signal);
      return came.length > 0 ? came : undefined;
    });
    assert.deepEqual(
      readings.map(({ point, value }) => [point, value]),
      [["shown", 7]],
    );
    // What waits for its turn when the bridge ends is not sent, and listens no more.
    const frames = bus.frames().length;
    const waiting = [3, 4].map((value) =>
      device.write("horn", value).catch((thrown: Error) => thrown.message),
    );
    device.close();
    assert.match((await Promise.all(waiting)).at(-1) ?? "", /its bridge ends/);
    await assert.rejects(device.poll(new AbortController().signal), { code: "bridge.device" });
    assert.equal(bus.frames().length - frames, 0);
  } finally {
    device.close();
    rmSync(bus.dir, { recursive: true, force: true });
  }
});

test("a frame is back only as this machine's own, and what the controller says of errors is told with its absence", async () => {
  const heard = (text: string) => parseDumpLine(`(1609779922.655421) can9 ${text}`);
  const { frame } = heard("123#AA03");
  const clock = simulatedClock();
  const lost = new Echo(frame);
  const waiting = assert.rejects(lost.back(clock, 100), {
    code: "bridge.lost",
    message:
      /did not come back from the bus within 100 ms: nobody acknowledged it; the controller is off the bus/,
  });
  // The first four look the same: another's, another identifier, other data, and none that says whose it is.
  for (const text of ["123#AA03 R", "00000123#AA03 T", "123#AA04 T", "123#AA03"]) lost.heard(heard(text));
  lost.heard(heard("20000020#0000000000000000 R"));
  lost.heard(heard("20000040#0000000000000000 R"));
  clock.advance(100);
  await waiting;
  const back = new Echo(frame);
  back.heard(heard("123#AA03 T"));
  await back.back(clock, 100);
});
