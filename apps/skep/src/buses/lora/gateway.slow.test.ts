import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { PacketForwarder } from "@skep/testing";
import { Program } from "../../attached/testing-program.ts";
import { until } from "../../host/testing.ts";
import { startTestHive } from "../../testing/hive.ts";

const eui = "aa555a0000000101";

const rulesText = `[radio]
listen = "127.0.0.1:0"
answer = "20s"
[[gateway]]
eui = "${eui}"
from = "127.0.0.1"
[[gateway]]
eui = "aa555a0000000102"
from = "127.0.0.9"
[downlink]
freq = 869.525
rate = "SF7BW125"
power = 14
duty = 5
window = "2s"
late = "30s"
`;

interface Outcome {
  readonly n: number;
  readonly state: string;
  readonly reason?: string;
}

/** A hive with a radio named mast, and whoever may be its agent. */
async function mast(text = rulesText) {
  const hive = await startTestHive(undefined, {
    SKEP_LORA_ADAPTERS: "mast region=eu868 duty=5 window=2s payload=32 airtime=sf7/125/4-5",
  });
  const program = await Program.of(hive, "lora", "mast", text);
  const read = async (path: string) =>
    Buffer.from(await hive.hive.owner.read(`/lora/mast/${path}`)).toString();
  return {
    ...{ hive, rules: program.rules, read },
    lines: async () =>
      (await read("telemetry"))
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
    send: async (text: string, within = 60) => {
      const line = { op: "send", b64: Buffer.from(text).toString("base64"), within_s: within };
      const { verdict, result, code } = await hive.hive.owner.append("/lora/mast/ctl", JSON.stringify(line));
      assert.equal(verdict, "ok", code);
      return (result as { readonly n: number }).n;
    },
    outcome: (n: number) =>
      until(`the outcome of ${n}`, async () =>
        (JSON.parse(await read("outcomes.json")) as Outcome[]).find((one) => one.n === n),
      ),
    start: async () => {
      const started = program.start();
      const port = await until("the port", () => /: port (\d+),/.exec(started.told())?.[1]);
      return { port: Number(port), ...started };
    },
    [Symbol.asyncDispose]: async () => {
      await program[Symbol.asyncDispose]();
      await hive[Symbol.asyncDispose]();
    },
  };
}

const rxpk = (tmst: number, text: string) => ({
  ...{ tmst, freq: 868.1, stat: 1, modu: "LORA", datr: "SF7BW125", codr: "4/5", rssi: -57, lsnr: 9.5 },
  ...{ size: text.length, data: Buffer.from(text).toString("base64") },
});

test("what gateways hear becomes telemetry once, and what does not come from them does not", async () => {
  await using at = await mast();
  const agent = await at.start();
  await using forwarder = await PacketForwarder.start(eui, agent.port);
  await forwarder.push({ rxpk: [rxpk(1, "one"), rxpk(2, "two")], stat: { rxnb: 2, txnb: 0 } });
  await forwarder.push({ rxpk: [rxpk(2, "two"), rxpk(3, "three")] });
  await using stranger = await PacketForwarder.start("ffffffffffffffff", agent.port);
  await using forged = await PacketForwarder.start("aa555a0000000102", agent.port);
  const silent = [stranger.say(2), forged.say(2), forged.say(0, JSON.stringify({ rxpk: [rxpk(9, "lie")] }))];
  forwarder.raw(Buffer.from("02", "hex"));
  forwarder.raw(Buffer.alloc(40_000, 2));
  forwarder.say(5, '{"txpk_ack":{"error":"NONE"}}');
  await forwarder.push({ rxpk: [rxpk(4, "four")] });
  const heard = async () => (await at.lines()).filter((line) => "b64" in line);
  await until("the frames", async () => ((await heard()).length >= 4 ? true : undefined));
  assert.deepEqual(
    (await heard()).map(({ gateway, tmst, rssi, snr, freq, datr, b64 }) => [
      gateway,
      tmst,
      rssi,
      snr,
      freq,
      datr,
      b64,
    ]),
    ["one", "two", "three", "four"].map((text, nth) => [
      ...[eui, nth + 1, -57, 9.5, 868.1, "SF7BW125", Buffer.from(text).toString("base64")],
    ]),
  );
  assert.deepEqual((await at.lines()).find((line) => "stat" in line)?.stat, { rxnb: 2, txnb: 0 });
  for (const [nth, token] of silent.entries())
    assert.equal((nth === 0 ? stranger : forged).isAcknowledged(token), false);
  assert.match(agent.told(), /datagrams that were not taken: 1 unknown; the last from 127\.0\.0\.1:/);
  const { segments } = JSON.parse(
    Buffer.from(await at.hive.hive.owner.read("/queen/telemetry/mast/latest.json")).toString(),
  ) as { segments: { id: string }[] };
  const kept = Buffer.from(
    await at.hive.hive.owner.read(`/queen/telemetry/mast/seg/${segments[0]?.id}`),
  ).toString();
  assert.match(kept, /tmst\\":4,/);
  assert.deepEqual(
    [forwarder, forged, stranger].flatMap(({ complaints }) => complaints),
    [],
  );
});

test("what the hive granted is on the air once, in its order, and never beyond the duty cycle", async () => {
  await using at = await mast();
  const agent = await at.start();
  await using forwarder = await PacketForwarder.start(eui, agent.port);
  forwarder.answers = 2;
  await forwarder.pull();
  const texts = ["aaa", "bbb", "ccc", "ddd", "eee"];
  const ns: number[] = [];
  for (const text of texts) ns.push(await at.send(text));
  for (const n of ns) assert.equal((await at.outcome(n)).state, "sent");
  assert.deepEqual(
    forwarder.sent.map(({ hex }) => Buffer.from(hex, "hex").toString()),
    texts,
  );
  assert.deepEqual([forwarder.sent[0]?.freq, forwarder.sent[0]?.datr], [869.525, "SF7BW125"]);
  // A clock of whole milliseconds on one side.
  assert.ok(forwarder.mostOnAir(2000) <= 102, String(forwarder.mostOnAir(2000)));
  assert.ok(forwarder.mostOnAir(2000) > 60, String(forwarder.mostOnAir(2000)));
  assert.deepEqual(forwarder.complaints, []);
  assert.equal(await at.read("schedule"), "");
});

test("a gateway's no is told with its word, its silence leaves it unsure, and neither is tried again", async () => {
  await using at = await mast(rulesText.replace('"20s"', '"2s"'));
  const agent = await at.start();
  await using forwarder = await PacketForwarder.start(eui, agent.port);
  await forwarder.pull();
  forwarder.manner = { refuse: "TX_FREQ" };
  const refused = await at.outcome(await at.send("no"));
  assert.deepEqual([refused.state, refused.reason], ["refused", `gateway ${eui}: TX_FREQ`]);
  forwarder.manner = "mute";
  const text = readFileSync(at.rules, "utf8");
  const silent = await at.outcome(await at.send("?"));
  assert.deepEqual([silent.state, /within 2000 ms/.test(silent.reason ?? "")], ["unsure", true]);
  const asked = forwarder.sent.length;
  writeFileSync(at.rules, text.replace("SF7BW125", "SF9BW125"));
  const { state, reason } = await until("the other rules", async () => {
    const found = await at.outcome(await at.send("long"));
    return found.state === "refused" ? found : undefined;
  });
  assert.equal(state, "refused");
  assert.match(reason ?? "", /longer on the air than the hive granted/);
  writeFileSync(at.rules, text.slice(0, text.indexOf("[downlink]")));
  await until("no downlink", async () =>
    /have no downlink/.test((await at.outcome(await at.send("x"))).reason ?? "") ? true : undefined,
  );
  assert.equal(await agent.stop(), 0);
  const before = JSON.parse(await at.read("outcomes.json")) as unknown[];
  await at.start();
  await until("the second start", async () =>
    (await at.read("info")).includes("bridge=none") ? undefined : true,
  );
  assert.deepEqual(JSON.parse(await at.read("outcomes.json")), before);
  assert.ok(forwarder.sent.length - asked <= 1);
  assert.equal(new Set(forwarder.sent.map(({ at: when }) => when)).size, forwarder.sent.length);
});
