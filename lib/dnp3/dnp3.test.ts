import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { simulatedClock } from "@skep/testing";
import {
  type Control,
  crcDnp,
  decodeControlAnswer,
  decodeResponse,
  Dnp3Master,
  encodeControl,
  encodeRead,
  LinkDeframer,
  type LinkFrame,
  linkFrame,
  Reassembler,
  segments,
} from "./mod.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s+/g, ""), "hex");

/**
 * Bytes that an OpenDNP3 outstation and a conformance tester exchanged, from the published logs of the DNP3 conformance run
 * at dnp3.github.io/conformance: procedures 8.13.2.2 (requests and binary inputs), 8.14.2.3 and 8.19.2.1.
 */
const captured = {
  readBinaries: "05 64 0B C4 00 04 01 00 CA 8A C0 C1 01 01 00 06 5D 5C",
  readAnalogEvents: "05 64 0B C4 00 04 01 00 CA 8A C0 C0 01 20 00 06 68 86",
  empty: "05 64 0A 44 01 00 00 04 67 88 C0 C1 81 90 00 73 EE",
  binaries: `05 64 2A 44 01 00 00 04 E5 79
    C0 C1 81 92 00 01 02 01 00 00 00 00 81 01 02 01 50 4B
    29 00 29 00 01 01 02 01 00 04 00 04 01 01 02 01 2A 19
    FF FF FF FF 01 BE 01`,
} as const;

const frameOf = (text: string): LinkFrame => {
  const [frame] = new LinkDeframer().push(hex(text));
  if (!frame) throw new Error("no frame");
  return frame;
};

test("a foreign outstation's response is read through all layers", () => {
  const frame = frameOf(captured.binaries);
  assert.deepEqual([frame.control, frame.destination, frame.source], [0x44, 1, 1024]);
  const fragment = new Reassembler().push(frame.payload);
  const response = decodeResponse(fragment ?? Buffer.alloc(0));
  assert.deepEqual([response.seq, response.first, response.last, response.confirm], [1, true, true, false]);
  const { restarted, needsTime, waiting, refused } = response.indications;
  assert.deepEqual([restarted, needsTime, waiting, refused], [true, true, [1], false]);
  const points = response.blocks.flatMap((block) => block.points);
  assert.deepEqual(
    points.map(({ kind, index, value, flags, event }) => [kind, index, value, flags, event]),
    [
      ["binary", 0, 1, 1, false],
      ["binary", 41, 0, 1, false],
      ["binary", 1024, 0, 1, false],
      ["binary", 65_535, 0, 1, false],
    ],
  );
});

test("requests are the bytes that a foreign master sent", () => {
  for (const [text, seq, group] of [
    [captured.readBinaries, 1, 1],
    [captured.readAnalogEvents, 0, 32],
  ] as const) {
    const [segment = Buffer.alloc(0)] = segments(encodeRead(seq, [{ group, variation: 0 }]), 0);
    const frame = { control: 0xc4, destination: 1024, source: 1, payload: segment };
    assert.deepEqual(linkFrame(frame), hex(text));
  }
  // The check value of CRC-16/DNP in the catalogue of parametrised CRC algorithms (RevEng).
  assert.equal(crcDnp(Buffer.from("123456789")), 0xea82);
});

test("one wrong bit anywhere in a frame is found, and the frame behind it is not lost", () => {
  const good = hex(captured.binaries);
  for (let bit = 0; bit < good.length * 8; bit += 1) {
    const bad = Buffer.from(good);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const found = new LinkDeframer().push(Buffer.concat([bad, hex(captured.empty)]));
    assert.deepEqual(
      found.map(({ payload }) => payload.length),
      [5],
      `bit ${bit}`,
    );
  }
});

test("frames and fragments come back however they are cut, and behind any noise", () => {
  const fragment = fc.uint8Array({ minLength: 1, maxLength: 2000 });
  const noise = fc.uint8Array({ maxLength: 30 }).filter((bytes) => !bytes.includes(5));
  fc.assert(
    fc.property(fragment, noise, fc.integer({ min: 1, max: 50 }), fc.nat(63), (bytes, before, step, seq) => {
      const frames = segments(bytes, seq).map((payload) =>
        Buffer.concat([before, linkFrame({ control: 0x44, destination: 1, source: 2, payload })]),
      );
      const all = Buffer.concat(frames);
      const deframer = new LinkDeframer();
      const reassembler = new Reassembler();
      const found: Buffer[] = [];
      for (let at = 0; at < all.length; at += step)
        for (const { payload } of deframer.push(all.subarray(at, at + step))) {
          const whole = reassembler.push(payload);
          if (whole) found.push(whole);
        }
      assert.deepEqual(found, [Buffer.from(bytes)]);
      assert.equal(deframer.skipped, before.length * frames.length);
    }),
  );
});

test("a segment that is missing costs its fragment and no other", () => {
  const all = segments(Buffer.alloc(600, 7), 62);
  assert.equal(all.length, 3);
  const reassembler = new Reassembler();
  const found = [all[0], all[2], ...segments(Buffer.from("next"), 5)].flatMap((segment) => {
    const whole = segment && reassembler.push(segment);
    return whole ? [whole.toString()] : [];
  });
  assert.deepEqual(found, ["next"]);
});

test("whatever bytes come, they are a response or refused", () => {
  const start = fc.constantFrom("c1819000", "e1820000", "c0810000");
  const groups = fc.constantFrom(1, 2, 3, 4, 10, 20, 21, 22, 30, 32, 40, 42, 50, 51, 52, 80, 99);
  const header = fc.tuple(groups, fc.nat(10), fc.constantFrom(0, 1, 2, 6, 7, 8, 9, 0x17, 0x28, 0x39, 0x5b));
  fc.assert(
    fc.property(start, header, fc.uint8Array({ maxLength: 60 }), (head, object, rest) => {
      try {
        decodeResponse(Buffer.concat([hex(head), Buffer.from(object), rest]));
      } catch (thrown) {
        assert.match((thrown as { code: string }).code, /^dnp3\.(form|object)$/);
      }
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void new LinkDeframer().push(bytes)));
});

test("analogs and counters, packed bits and events with time are read by their variations", () => {
  const points = (text: string) =>
    decodeResponse(hex(`c0810000${text}`)).blocks.flatMap((block) => block.points);
  const [analog] = points("1e 05 00 03 03 01 0000ac41");
  assert.deepEqual([analog?.kind, analog?.index, analog?.value, analog?.flags], ["analog", 3, 21.5, 1]);
  assert.equal(points("1e 02 00 00 00 01 feff")[0]?.value, -2);
  assert.equal(points("14 01 17 01 07 01 01000100")[0]?.value, 65_537);
  assert.deepEqual(
    points("01 01 00 00 09 0502").map(({ value }) => value),
    [1, 0, 1, 0, 0, 0, 0, 0, 0, 1],
  );
  const [event] = points("20 07 28 0100 0500 01 0000c842 e8030000 0000");
  assert.deepEqual([event?.index, event?.value, event?.time, event?.event], [5, 100, 1000, true]);
  const [later] = points("33 01 07 01 e80300000000 02 03 17 01 02 81 0a00");
  assert.deepEqual([later?.index, later?.value, later?.time], [2, 1, 1010]);
});

function line() {
  const sent: Buffer[] = [];
  const on: { bytes: (bytes: Uint8Array) => void; end: (cause?: unknown) => void }[] = [];
  const wire = {
    send: (bytes: Uint8Array) => void sent.push(Buffer.from(bytes)),
    listen: (listener: (typeof on)[number]) => void on.push(listener),
    close: () => undefined,
  };
  const clock = simulatedClock();
  const came: number[] = [];
  const master = new Dnp3Master({
    ...{ wire, clock, master: 1, outstation: 1024, timeoutMs: 100 },
    unsolicited: (points) => void came.push(...points.map(({ value }) => value)),
  });
  const tell = (fragment: string, control = 0x44) => {
    for (const payload of segments(hex(fragment), 0))
      on[0]?.bytes(linkFrame({ control, destination: 1, source: 1024, payload }));
  };
  const asked = async (count: number) => {
    while (sent.length < count) await new Promise((resolve) => void setImmediate(resolve));
  };
  return {
    sent,
    master,
    tell,
    asked,
    clock,
    came,
    raw: (text: string) => on[0]?.bytes(hex(text)),
    end: () => on[0]?.end(),
  };
}

test("a master reads what an outstation answers, over fragments that it confirms", async () => {
  const { sent, master, tell, asked, raw, came } = line();
  const first = master.read([{ group: 1, variation: 0 }]);
  await asked(1);
  assert.deepEqual(sent[0], hex(captured.readBinaries));
  raw(captured.binaries);
  assert.deepEqual(
    (await first).points.map(({ value }) => value),
    [1, 0, 0, 0],
  );
  const second = master.read();
  await asked(2);
  tell("82820000 1e0400 00 00 0100");
  assert.deepEqual(came, [1]);
  tell("a2810000 1e0400 00 00 0500");
  tell("43810000 1e0400 01 01 0600");
  assert.deepEqual(
    (await second).points.map(({ value }) => value),
    [5, 6],
  );
  // The first of the two wanted to be confirmed, and so did nothing else.
  assert.deepEqual(
    sent.slice(2).map((frame) => frame.subarray(11, 13).toString("hex")),
    ["c200"],
  );
});

test("what was confirmed of a reading that then fails is not lost", async () => {
  const { master, tell, asked, clock, came, sent } = line();
  const reading = master.read();
  await asked(1);
  tell("a1810000 2007 28 0100 0000 01 0000c842 e80300000000");
  await asked(2);
  const failed = assert.rejects(reading, { code: "dnp3.timeout" });
  await clock.advanceAsync(100);
  await failed;
  assert.deepEqual(came, [100]);
  assert.equal(sent.length, 2);
});

test("silence is a timeout, a lost connection is told, and the state of the link is answered", async () => {
  const { master, asked, clock, raw, sent, end } = line();
  const first = assert.rejects(master.read(), { code: "dnp3.timeout" });
  await asked(1);
  clock.advance(100);
  await first;
  raw(linkFrame({ control: 0x49, destination: 1, source: 1024, payload: new Uint8Array(0) }).toString("hex"));
  assert.equal(sent[1]?.readUInt8(3), 0x8b);
  const second = assert.rejects(master.read(), { code: "dnp3.closed" });
  await asked(3);
  end();
  await second;
  await assert.rejects(master.read(), { code: "dnp3.closed" });
});

const relay: Control = { kind: "crob", index: 10, code: "latch-on", count: 1, onMs: 100, offMs: 100 };
const relayBytes = "0c01 28 0100 0a00 03 01 64000000 64000000";

test("controls are the bytes that the standard's tables give, and are read back with their status", () => {
  assert.deepEqual(encodeControl(3, "select", relay), hex(`c303 ${relayBytes} 00`));
  assert.deepEqual(encodeControl(4, "operate", relay), hex(`c404 ${relayBytes} 00`));
  assert.deepEqual(encodeControl(5, "direct", { ...relay, code: "trip" }).at(9), 0x81);
  const setpoint: Control = { kind: "analog", index: 300, type: "i16", value: -2 };
  assert.deepEqual(encodeControl(0, "direct", setpoint), hex("c005 2902 28 0100 2c01 feff 00"));
  assert.deepEqual(
    encodeControl(0, "direct", { ...setpoint, type: "f32", value: 1.5 }),
    hex("c005 2903 28 0100 2c01 0000c03f 00"),
  );
  const told = (text: string) => decodeControlAnswer(hex(text), relay).told;
  assert.equal(told(`c381 0000 ${relayBytes} 00`), "accepted");
  assert.equal(told(`c381 0000 ${relayBytes} 07`), "refused");
  assert.equal(told(`c381 0000 ${relayBytes} 7f`), "unclear");
  assert.equal(told("c381 0002"), "refused");
  for (const wrong of ["c381 0000", `c381 0000 ${relayBytes.replace("0a00", "0b00")} 00`, "c381"])
    assert.throws(() => decodeControlAnswer(hex(wrong), relay), { code: "dnp3.form" });
  for (const bad of [
    { ...setpoint, value: 40_000 },
    { ...setpoint, value: Number.NaN },
    { ...setpoint, type: "f32", value: 1e39 } as const,
    { ...relay, index: 65_536 },
    { ...relay, count: 256 },
  ])
    assert.throws(() => encodeControl(0, "direct", bad), { code: "dnp3.control" });
});

test("whatever is answered to a control, it is an answer to it or refused", () => {
  const status = fc.constantFrom(relayBytes, relayBytes.slice(0, -6), "", "0c01");
  fc.assert(
    fc.property(
      fc.constantFrom("c181", "e181"),
      status,
      fc.uint8Array({ maxLength: 12 }),
      (head, body, rest) => {
        try {
          const bytes = Buffer.concat([hex(head), Buffer.from([0, 0]), hex(body), rest]);
          assert.match(decodeControlAnswer(bytes, relay).told, /^(accepted|refused|unclear)$/);
        } catch (thrown) {
          assert.equal((thrown as { code: string }).code, "dnp3.form");
        }
      },
    ),
  );
});

test("an operation follows its selection by one number and is asked once; silence before it did nothing, after it is unsure", async () => {
  const { master, sent, tell, asked, clock, end } = line();
  const functions = () => sent.map((frame) => frame.subarray(11, 13).toString("hex"));
  const first = master.operate(relay, "select");
  await asked(1);
  tell(`c181 0000 ${relayBytes} 00`);
  await asked(2);
  // An answer to something else is none to this.
  tell(`c181 0000 ${relayBytes} 00`);
  tell(`c281 0000 ${relayBytes} 00`);
  await first;
  assert.deepEqual(functions(), ["c103", "c204"]);
  const unselected = assert.rejects(master.operate(relay, "select"), { code: "dnp3.unselected" });
  await asked(3);
  clock.advance(100);
  await unselected;
  const lost = assert.rejects(master.operate(relay, "direct"), { code: "dnp3.unsure" });
  await asked(4);
  clock.advance(100);
  await lost;
  const refused = assert.rejects(master.operate(relay, "select"), { code: "dnp3.refused" });
  await asked(5);
  tell(`c581 0000 ${relayBytes} 08`);
  await refused;
  const strange = assert.rejects(master.operate(relay, "direct"), { code: "dnp3.unsure" });
  await asked(6);
  tell("c681 0000 0c01 28 0100 0b00");
  await strange;
  const cut = assert.rejects(master.operate(relay, "direct"), { code: "dnp3.unsure" });
  await asked(7);
  end();
  await cut;
  await assert.rejects(master.operate(relay, "direct"), { code: "dnp3.closed" });
  assert.equal(sent.length, 7);
});
