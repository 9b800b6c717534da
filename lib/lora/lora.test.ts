import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Datagram,
  decodeDatagram,
  encodeDatagram,
  isSent,
  mostBytes,
  parseRate,
  rateName,
} from "./mod.ts";

const eui = "aa555a0000000101";
const datagram = (head: string, body = ""): Buffer =>
  Buffer.concat([Buffer.from(head.replaceAll(" ", ""), "hex"), Buffer.from(body)]);
const push = (body: string): Datagram => decodeDatagram(datagram(`02 a1b2 00 ${eui}`, body));

/** The example of chapter 4 of Semtech's PROTOCOL.TXT: base64 of either alphabet, without padding, and FSK. */
const example = `{"rxpk":[
  {"time":"2013-03-31T16:21:17.528002Z","tmst":3512348611,"chan":2,"rfch":0,"freq":866.349812,"stat":1,
   "modu":"LORA","datr":"SF7BW125","codr":"4/6","rssi":-35,"lsnr":5.1,"size":32,
   "data":"-DS4CGaDCdG+48eJNM3Vai-zDpsR71Pn9CPA9uCON84"},
  {"time":"2013-03-31T16:21:17.530974Z","tmst":3512348514,"chan":9,"rfch":1,"freq":869.1,"stat":1,
   "modu":"FSK","datr":50000,"rssi":-75,"size":16,"data":"VEVTVF9QQUNLRVRfMTIzNA=="}
]}`;

test("what the protocol's document shows of a gateway's datagrams is read", () => {
  const heard = push(example);
  assert.ok(heard.kind === "push-data");
  assert.deepEqual([heard.token, heard.gateway, heard.unreadable, heard.stat], [0xa1b2, eui, 0, undefined]);
  const [lora, fsk] = heard.rxpk;
  assert.equal(lora?.data.toString("hex").slice(0, 16), "f834b808668309d1");
  assert.deepEqual(
    [lora?.data.length, lora?.tmst, lora?.freq, lora?.datr, lora?.codr, lora?.rssi, lora?.lsnr, lora?.stat],
    [32, 3_512_348_611, 866.349812, "SF7BW125", "4/6", -35, 5.1, 1],
  );
  assert.deepEqual([fsk?.datr, fsk?.data.toString(), fsk?.lsnr], [50_000, "TEST_PACKET_1234", undefined]);
  const stat = push(
    `{"stat":{"time":"2014-01-12 08:59:28 GMT","lati":46.24000,"long":3.25230,"alti":145,"rxnb":2,"rxok":2,
      "rxfw":2,"ackr":100.0,"dwnb":2,"txnb":2,"temp":23.1}}`,
  );
  assert.ok(stat.kind === "push-data");
  assert.deepEqual([stat.stat?.txnb, stat.stat?.ackr, stat.stat?.lati, stat.rxpk], [2, 100, 46.24, []]);
  assert.deepEqual(decodeDatagram(datagram(`02 0001 02 ${eui}`)), {
    kind: "pull-data",
    token: 1,
    gateway: eui,
  });
});

test("answers and downlinks are the bytes of the protocol's tables", () => {
  assert.equal(encodeDatagram({ kind: "push-ack", token: 0xa1b2 }).toString("hex"), "02a1b201");
  assert.equal(encodeDatagram({ kind: "pull-ack", token: 7 }).toString("hex"), "02000704");
  const made = encodeDatagram({
    kind: "pull-resp",
    token: 0x1234,
    txpk: {
      ...{ imme: true, freq: 864.123456, rfch: 0, powe: 14, modu: "LORA", datr: "SF11BW125", codr: "4/6" },
      ...{ ipol: false, data: Buffer.from("H3P3N2i9qc4yt7rK7ldqoeCVJGBybzPY5h1Dd7P7p8v", "base64") },
    },
  });
  assert.equal(made.toString("hex", 0, 4), "02123403");
  assert.deepEqual(JSON.parse(made.toString("utf8", 4)), {
    txpk: {
      ...{ imme: true, freq: 864.123456, rfch: 0, powe: 14, modu: "LORA", datr: "SF11BW125", codr: "4/6" },
      ...{ ipol: false, size: 32, data: "H3P3N2i9qc4yt7rK7ldqoeCVJGBybzPY5h1Dd7P7p8s=" },
    },
  });
});

test("a gateway that took a frame says so with no body, an empty one or NONE; every other word is a refusal", () => {
  const sent = (body: string): boolean => {
    const told = decodeDatagram(datagram(`02 1234 05 ${eui}`, body));
    assert.ok(told.kind === "tx-ack");
    return isSent(told.ack);
  };
  assert.deepEqual(["", "{}", '{"txpk_ack":{"error":"NONE"}}'].map(sent), [true, true, true]);
  assert.equal(sent('{"txpk_ack":{"warn":"TX_POWER","value":20}}'), true);
  for (const word of ["TOO_LATE", "TOO_EARLY", "COLLISION_PACKET", "TX_FREQ", "GPS_UNLOCKED", "NEW_WORD"])
    assert.equal(sent(`{"txpk_ack":{"error":"${word}"}}`), false);
});

test("a packet that cannot be read costs itself and none of its neighbours", () => {
  const good =
    '{"tmst":1,"freq":868.1,"stat":1,"modu":"LORA","datr":"SF7BW125","rssi":-35,"size":1,"data":"AQ=="}';
  const bad = [
    good.replace('"size":1', '"size":2'),
    good.replace('"SF7BW125"', "7"),
    good.replace('"tmst":1', '"tmst":-1'),
    good.replace("AQ==", "A Q="),
    "null",
    "[]",
  ];
  const heard = push(`{"rxpk":[${[...bad, good].join(",")}],"stat":7}`);
  assert.ok(heard.kind === "push-data");
  assert.deepEqual([heard.unreadable, heard.rxpk.length, heard.rxpk[0]?.data[0]], [bad.length, 1, 1]);
});

test("what is no datagram is refused by what is wrong with it", () => {
  const code = (bytes: Uint8Array): string => {
    try {
      return decodeDatagram(bytes).kind;
    } catch (thrown) {
      return (thrown as { code: string }).code;
    }
  };
  assert.equal(code(datagram("02 a1")), "lora-udp.form");
  assert.equal(code(datagram(`01 a1b2 02 ${eui}`)), "lora-udp.version");
  assert.equal(code(datagram(`02 a1b2 06 ${eui}`)), "lora-udp.form");
  assert.equal(code(datagram("02 a1b2 00 aa55")), "lora-udp.form");
  assert.equal(code(datagram(`02 a1b2 00 ${eui}`, '{"rxpk":')), "lora-udp.form");
  assert.equal(code(datagram(`02 a1b2 00 ${eui}`, '{"rxpk":{}}')), "lora-udp.form");
  assert.equal(code(datagram(`02 a1b2 02 ${eui}`, "x")), "lora-udp.form");
  assert.equal(code(datagram("02 a1b2 03", '{"txpk":{}}')), "lora-udp.form");
  assert.equal(code(Buffer.alloc(mostBytes + 1, 2)), "lora-udp.long");
  const many = `{"rxpk":[${Array.from({ length: 256 }, () => 0).join(",")}]}`;
  assert.equal(code(datagram(`02 a1b2 00 ${eui}`, many)), "lora-udp.form");
  assert.throws(() => encodeDatagram({ kind: "push-ack", token: 65_536 }), { code: "lora-udp.packet" });
  assert.throws(() => encodeDatagram({ kind: "pull-data", token: 1, gateway: "x" }), {
    code: "lora-udp.packet",
  });
});

const bytes = fc.uint8Array({ maxLength: 255 }).map((made) => Buffer.from(made));
const rate = fc.record({ sf: fc.integer({ min: 5, max: 12 }), bw: fc.constantFrom(125, 250, 500, 203, 812) });
const token = fc.nat(0xffff);
const gateway = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .map((made) => Buffer.from(made).toString("hex"));
const freq = fc.integer({ min: 100_000_000, max: 2_500_000_000 }).map((hertz) => hertz / 1e6);
const air = fc.oneof(
  fc.record({ modu: fc.constant("LORA" as const), datr: rate.map(rateName) }),
  fc.record({ modu: fc.constant("FSK" as const), datr: fc.integer({ min: 1, max: 300_000 }) }),
);
const rxpk = fc
  .tuple(
    air,
    fc.record({
      ...{ tmst: fc.nat(0xffff_ffff), freq, rssi: fc.integer({ min: -140, max: 10 }), data: bytes },
      stat: fc.constantFrom(1 as const, 0 as const, -1 as const),
    }),
    fc.record({ lsnr: fc.integer({ min: -200, max: 150 }).map((tenth) => tenth / 10) }, { requiredKeys: [] }),
  )
  .map(([one, two, three]) => ({ ...one, ...two, ...three }));
const datagrams: fc.Arbitrary<Datagram> = fc.oneof(
  fc.record({
    ...{ kind: fc.constant("push-data" as const), token, gateway, rxpk: fc.array(rxpk, { maxLength: 8 }) },
    ...{ stat: fc.constantFrom(undefined, { rxnb: 3, txnb: 1 }), unreadable: fc.constant(0) },
  }),
  fc.record({ kind: fc.constantFrom("push-ack" as const, "pull-ack" as const), token }),
  fc.record({ kind: fc.constant("pull-data" as const), token, gateway }),
  fc.record({
    ...{ kind: fc.constant("pull-resp" as const), token },
    txpk: fc
      .tuple(air, fc.record({ freq, rfch: fc.nat(1), powe: fc.nat(30), data: bytes, imme: fc.boolean() }))
      .map(([one, two]) => ({ ...one, ...two })),
  }),
  fc.record({
    ...{ kind: fc.constant("tx-ack" as const), token, gateway },
    ack: fc.constantFrom({}, { error: "NONE" }, { error: "TOO_LATE" }, { warn: "TX_POWER", value: 14 }),
  }),
);

test("every datagram comes back as it was made, and cut short it is refused or another, never a crash", () => {
  fc.assert(
    fc.property(datagrams, fc.nat(), (one, cut) => {
      const made = { ...one };
      const sent = encodeDatagram(made);
      assert.deepEqual(decodeDatagram(sent), made);
      try {
        decodeDatagram(sent.subarray(0, cut % sent.length));
      } catch (thrown) {
        assert.match((thrown as { code: string }).code, /^lora-udp\.form$/);
      }
    }),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      try {
        decodeDatagram(Buffer.concat([Buffer.from([2]), noise]));
      } catch (thrown) {
        assert.match((thrown as { code: string }).code, /^lora-udp\.(form|version)$/);
      }
    }),
    { numRuns: 300 },
  );
});

test("names of data rates are read and written alike", () => {
  assert.deepEqual(parseRate("SF12BW500"), { sf: 12, bw: 500 });
  assert.equal(rateName({ sf: 7, bw: 125 }), "SF7BW125");
  for (const name of ["SF13BW125", "SF7", "SF7BW0", "7/125"]) assert.equal(parseRate(name), undefined);
});
