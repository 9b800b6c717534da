// A serial line, by way of a pseudo terminal of python3, with the RTU server of jsmodbus at its other end.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { server } from "jsmodbus";
import { realClock } from "../clock.ts";
import { deviceOf } from "./program.ts";
import { parseRules } from "./rules.ts";

const relay = `
import os, pty, select, sys, tty
ours, theirs = pty.openpty()
tty.setraw(theirs)
sys.stderr.write(os.ttyname(theirs) + "\\n")
sys.stderr.flush()
while True:
    for fd in select.select([0, ours], [], [])[0]:
        data = os.read(fd, 4096)
        if not data and fd == 0: sys.exit(0)
        os.write(ours if fd == 0 else 1, data)
`;

test("registers are read and written over a serial line, and a device that is silent is a timeout", async (context) => {
  if (spawnSync("python3", ["-c", "import pty"]).status !== 0)
    return context.skip("python3 is not installed");
  const child = spawn("python3", ["-c", relay], { stdio: "pipe" });
  try {
    const [said] = (await once(child.stderr, "data")) as [Buffer];
    const path = said.toString().trim();
    const holding = Buffer.alloc(64);
    holding.writeUInt16BE(200, 8);
    const line = Duplex.from({ readable: child.stdout, writable: child.stdin });
    // It ends with its process.
    line.on("error", () => undefined);
    new server.RTU(line as ConstructorParameters<typeof server.RTU>[0], { holding });
    const rules = (timeout: string) =>
      parseRules(
        `[device]\nprotocol = "modbus"\nserial = "${path}"\nparity = "none"\ntimeout = "${timeout}"\n[[point]]\nname = "a"\ntable = "holding"\naddress = 4\nwrite = true\n`,
        "serial.toml",
      );
    const signal = new AbortController().signal;
    const device = deviceOf(rules("10s"), realClock);
    assert.deepEqual(await device.poll(signal), [{ point: "a", value: 200 }]);
    await device.write("a", 513);
    assert.equal(await device.read("a"), 513);
    assert.equal(holding.readUInt16BE(8), 513);
    device.close();
    child.kill("SIGSTOP");
    const silent = deviceOf(rules("200ms"), realClock);
    await assert.rejects(silent.poll(signal), { code: "modbus.timeout" });
    silent.close();
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  return undefined;
});
