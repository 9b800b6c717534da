import assert from "node:assert/strict";
import { test } from "node:test";
import { type Datagram, encodeDatagram, mostBytes } from "@skep/lora";
import { messageOf } from "../../attached/testing.ts";
import { Gateways } from "./heard.ts";
import { parseRules } from "./rules.ts";

const eui = "aa555a0000000101";
const rules = parseRules(
  `[radio]
listen = "192.0.2.1:1700"
most = 2
keepalive = "10s"
[[gateway]]
eui = "AA555A0000000101"
from = "192.0.2.7"
[[gateway]]
eui = "aa555a0000000102"
from = "192.0.2.8"
`,
  "mast.toml",
);
const there = { address: "192.0.2.7", port: 40_000 };
const frame = (tmst: number, stat: 1 | -1 = 1) => ({
  ...{ tmst, freq: 868.1, stat, modu: "LORA", datr: "SF7BW125", codr: "4/5", rssi: -35, lsnr: 5.1, chan: 2 },
  data: Buffer.from([1, 2, 3]),
});
const push = (token: number, ...tmst: number[]): Buffer =>
  encodeDatagram({
    ...{ kind: "push-data", token, gateway: eui, stat: undefined, unreadable: 0 },
    rxpk: tmst.map((at) => frame(at)),
  } as Datagram);

test("each datagram that does not belong here has its own verdict, and no answer", () => {
  const gateways = new Gateways();
  const verdict = (bytes: Uint8Array, from = there) => {
    const { verdict: word, answer, lines } = gateways.judge(bytes, from, rules, 0, 0);
    assert.deepEqual([answer, lines.length], [undefined, 0], word);
    return word;
  };
  const pull = { kind: "pull-data", token: 1, gateway: eui } as const;
  assert.equal(verdict(Buffer.from("hello")), "version");
  assert.equal(verdict(Buffer.from([2, 0])), "malformed");
  assert.equal(verdict(push(1, 5).subarray(0, 60)), "malformed");
  assert.equal(verdict(Buffer.alloc(mostBytes + 1, 2)), "oversized");
  assert.equal(verdict(Buffer.concat([Buffer.from([1]), encodeDatagram(pull).subarray(1)])), "version");
  assert.equal(verdict(encodeDatagram({ kind: "push-ack", token: 1 })), "direction");
  assert.equal(verdict(encodeDatagram({ ...pull, gateway: "ffffffffffffffff" })), "unknown");
  assert.equal(verdict(encodeDatagram(pull), { address: "192.0.2.8", port: 40_000 }), "forged");
  assert.equal(verdict(push(1, 5), { address: "192.0.2.66", port: 40_000 }), "forged");
  const bad = Buffer.concat([push(1).subarray(0, 12), Buffer.from('{"rxpk":[{"tmst":1}]}')]);
  assert.equal(verdict(bad), "malformed");
});

test("a frame is told of once, whatever datagram brings it again, and one with a wrong checksum never", () => {
  const gateways = new Gateways();
  const judge = (bytes: Uint8Array, now = 0) => gateways.judge(bytes, there, rules, now, 1000);
  const first = judge(push(1, 5, 6));
  assert.deepEqual(first.answer, { kind: "push-ack", token: 1 });
  assert.deepEqual(first.lines[0], {
    ...{ at_ms: 1000, gateway: eui, tmst: 5, freq: 868.1, datr: "SF7BW125", rssi: -35, snr: 5.1 },
    ...{ codr: "4/5", chan: 2, bytes: 3, b64: "AQID" },
  });
  // Its acknowledgement may have been lost: it is acknowledged again, and is no news.
  const again = judge(push(1, 5, 6));
  assert.deepEqual([again.verdict, again.answer?.kind, again.lines], ["repeated", "push-ack", []]);
  const replayed = judge(push(77, 6, 5));
  assert.deepEqual([replayed.verdict, replayed.lines], ["repeated", []]);
  assert.equal(judge(push(2, 6, 7)).lines.length, 1);
  gateways.forget(push(2, 7));
  assert.equal(judge(push(3, 7)).lines.length, 1);
  const noise = { kind: "push-data", token: 4, gateway: eui, stat: undefined, unreadable: 0 } as const;
  const denied = judge(encodeDatagram({ ...noise, rxpk: [frame(9, -1)] } as Datagram));
  assert.deepEqual([denied.verdict, denied.lines], ["taken", []]);
});

test("a gateway that tells of more than it may is cut down, and the others are not", () => {
  const gateways = new Gateways();
  const told = Array.from(
    { length: 12 },
    (_, at) => gateways.judge(push(at, at), there, rules, 0, 0).verdict,
  );
  assert.deepEqual([told.indexOf("flood"), told.at(-1)], [8, "flood"]);
  assert.equal(gateways.judge(push(20, 20), there, rules, 1000, 0).verdict, "taken");
  const other = { kind: "push-data", token: 1, gateway: "aa555a0000000102", unreadable: 0 } as const;
  const from = { address: "192.0.2.8", port: 1 };
  const made = encodeDatagram({ ...other, rxpk: [frame(1)], stat: { rxnb: 1 } } as Datagram);
  assert.equal(gateways.judge(made, from, rules, 0, 0).lines.length, 2);
});

test("frames go to the first gateway that asked for work lately, where it asked from last", () => {
  const gateways = new Gateways();
  const pull = (gateway: string, from: typeof there, now: number) =>
    gateways.judge(encodeDatagram({ kind: "pull-data", token: 9, gateway }), from, rules, now, 0);
  assert.equal(gateways.ready(rules, 0), undefined);
  assert.deepEqual(pull("aa555a0000000102", { address: "192.0.2.8", port: 5 }, 0).answer, {
    kind: "pull-ack",
    token: 9,
  });
  assert.equal(gateways.ready(rules, 0)?.eui, "aa555a0000000102");
  pull(eui, there, 1000);
  pull(eui, { ...there, port: 40_001 }, 2000);
  assert.deepEqual(gateways.ready(rules, 12_000), { eui, place: { address: "192.0.2.7", port: 40_001 } });
  assert.equal(gateways.ready(rules, 12_001), undefined);
});

test("rules that would let anybody in are refused with their place", () => {
  const wrong = (text: string): string => messageOf(() => parseRules(text, "x.toml"));
  const gateway = `[[gateway]]\neui = "${eui}"\n`;
  assert.equal(wrong(`[radio]\n${gateway}`), "");
  assert.match(
    wrong(`[radio]\nlisten = "0.0.0.0:1700"\n${gateway}`),
    /gateway\.0\.from: expected the address/,
  );
  assert.match(wrong(`[radio]\nlisten = "[::]:1700"\n${gateway}`), /gateway\.0\.from/);
  assert.equal(wrong(`[radio]\nlisten = "[::1]:1700"\n${gateway}`), "");
  assert.match(wrong("[radio]\n"), /gateway: /);
  assert.match(wrong(`[radio]\n${gateway}${gateway}`), /two gateways have one eui/);
  assert.match(
    wrong(`[radio]\n${gateway}[downlink]\nfreq = 868.1\nrate = "SF99"\npower = 14`),
    /downlink\.rate/,
  );
});
