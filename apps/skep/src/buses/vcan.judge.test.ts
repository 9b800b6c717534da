// Judged by can-utils over a virtual interface of the kernel, where both are there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { realClock } from "../clock.ts";
import { until } from "../host/testing.ts";
import { deviceOf } from "./program.ts";
import { parseRules } from "./rules.ts";

const [candump, cansend] = ["/usr/bin/candump", "/usr/bin/cansend"];
const bus = `skep${process.pid % 10_000}`;
const ip = (...words: string[]) => spawnSync("ip", words, { encoding: "utf8" });

function lacks(): string | undefined {
  if (!existsSync(candump) || !existsSync(cansend)) return "can-utils is not installed";
  const made = ip("link", "add", bus, "type", "vcan");
  return made.status === 0 ? undefined : `no vcan here: ${made.stderr?.trim() || "ip does not run"}`;
}

test("a frame that cansend sends over vcan is read as its signal", async (context) => {
  const why = lacks();
  if (why !== undefined) return context.skip(why);
  try {
    assert.equal(ip("link", "set", bus, "up").status, 0);
    const rules = parseRules(
      `[device]\nprotocol = "can"\ninterface = "${bus}"\ncandump = "${candump}"\n[[point]]\nname = "level"\nid = 0x123\nstart = 0\nlength = 16\nscale = 0.5\n`,
      "can.toml",
    );
    const device = deviceOf(rules, realClock);
    const signal = new AbortController().signal;
    const reading = await until("the frame", async () => {
      spawnSync(cansend, [bus, "123#2A00"]);
      return (await device.poll(signal)).find(({ point }) => point === "level");
    });
    device.close();
    assert.equal(reading.value, 21);
    const more = 'start = 0\nlength = 16\nwrite = true\ndata = "0000"\n';
    const sending = deviceOf(
      parseRules(
        `[device]\nprotocol = "can"\ninterface = "${bus}"\n[[point]]\nname = "lamp"\nid = 0x124\n${more}`,
        "can.toml",
      ),
      realClock,
    );
    await sending.write("lamp", 513);
    sending.close();
  } finally {
    ip("link", "del", bus);
  }
  return undefined;
});
