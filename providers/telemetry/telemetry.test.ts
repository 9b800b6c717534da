import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { recordingFiles } from "@skep/testing";
import { envelope, rig } from "./rig.test.ts";

test("the system names segments, a new one seals the one before, and its digest is in the journal", async (context) => {
  const { kernel, read, append, open, sealed } = await rig(context);
  assert.deepEqual((await open()).result, { seg_id: "seg-000001" });
  assert.equal((await append("d/seg/seg-000001", "one\n")).verdict, "ok");
  assert.equal((await append("d/seg/seg-000001", "two")).verdict, "ok");
  assert.equal(await read("d/seg/seg-000001"), "one\ntwo\n");
  await open();
  assert.equal(await read("d/latest"), "seg-000002\n");
  const { anchor, ...told } = await sealed("d", "seg-000001");
  const digest = createHash("sha256").update("one\ntwo\n").digest("hex");
  assert.deepEqual(told, {
    id: "seg-000001",
    mime: "text/plain",
    state: "sealed",
    bytes: 8,
    records: 2,
    digest,
  });
  const record = await kernel.journal.record(anchor);
  assert.equal((record.events[0]?.d as { digest?: string } | undefined)?.digest, digest);
  assert.equal((await append("d/seg/seg-000001", "three\n")).code, "telemetry.sealed");
  assert.equal(await read("d/seg/seg-000001"), "one\ntwo\n");
});

test("a full device lets its oldest segment go, or refuses where it is told to", async (context) => {
  const evicting = await rig(context);
  for (let count = 0; count < 5; count += 1) await evicting.open();
  assert.deepEqual(
    (await evicting.json("d/latest.json")).segments.map(({ id }: { id: string }) => id),
    ["seg-000002", "seg-000003", "seg-000004", "seg-000005"],
  );
  const refusing = await rig(context, { whenFull: "refuse" });
  for (let count = 0; count < 4; count += 1) await refusing.open();
  assert.equal((await refusing.open()).code, "telemetry.segments");
  await refusing.open("e");
  assert.equal((await refusing.open("f")).code, "telemetry.devices");
});

test("what does not fit is refused, and a write of several lines takes those that do", async (context) => {
  const { open, append, read, queen } = await rig(context);
  await open();
  assert.equal((await append("d/seg/seg-000001", "x".repeat(128))).code, "telemetry.record");
  const line = `${"y".repeat(99)}\n`;
  assert.deepEqual((await append("d/seg/seg-000001", line.repeat(5))).result, { bytes: 400 });
  assert.equal((await append("d/seg/seg-000001", "z")).code, "telemetry.full");
  assert.equal(await read("d/seg/seg-000001"), line.repeat(4));
  assert.equal(Buffer.from(await queen.read("/proc/ingest/backpressure")).toString(), "backpressure=3\n");
  assert.deepEqual(
    Buffer.from(await queen.read("/proc/ingest/backpressure.cbor")),
    Buffer.concat([Buffer.from([0xa1, 0x6c]), Buffer.from("backpressure"), Buffer.from([3])]),
  );
  assert.match(
    Buffer.from(await queen.read("/proc/ingest/watch")).toString(),
    /^watch ts_ms=\d+ p50_ms=0 p95_ms=0 queued=0 backpressure=\d dropped=0 ui_reads=\d ui_denies=0\n$/m,
  );
});

test("a numbered record that comes again is taken and kept once, in a later segment and after a restart too", async (context) => {
  const { kernel, files, open, append, read, sealed } = await rig(context);
  await open();
  for (const seq of [1, 2, 2, 1]) await append("d/seg/seg-000001", envelope(seq, "p", "probe"));
  const kept = envelope(1, "p", "probe") + envelope(2, "p", "probe");
  assert.equal(await read("d/seg/seg-000001"), kept);
  await open();
  await sealed("d", "seg-000001");
  await append("d/seg/seg-000002", envelope(2, "p", "probe") + envelope(3, "p", "probe"));
  await kernel.close();
  const next = await rig(context, {}, recordingFiles(files.image()));
  assert.equal(
    (await next.append("d/seg/seg-000002", envelope(3, "p", "probe") + envelope(4, "q"))).verdict,
    "ok",
  );
  assert.equal(await next.read("d/seg/seg-000002"), envelope(3, "p", "probe") + envelope(4, "q"));
  assert.deepEqual((await next.json("d/latest.json")).sources, { probe: 3 });
  assert.equal(
    (await next.append("d/seg/seg-000002", '{"schema":"cohsh-telemetry-push/v1"}')).code,
    "telemetry.envelope",
  );
});

test("frames in CBOR are kept as they are, one after the other, and numbered by their worker", async (context) => {
  const { open, queen, json } = await rig(context);
  await open("d", "application/cbor");
  const text = (value: string) => Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
  const frame = (seq: number) =>
    Buffer.concat([
      Buffer.from([0xa3]),
      ...[text("schema"), text("telemetry-frame/v1"), text("worker_id"), text("worker-1")],
      ...[text("seq"), Buffer.from([seq])],
    ]);
  const write = async (bytes: Uint8Array) => {
    const found = await queen.find("/queen/telemetry/d/seg/seg-000001");
    const handle = await queen.open(found, { read: false, write: true });
    return handle.write(0, bytes);
  };
  assert.equal(await write(Buffer.concat([frame(1), frame(2)])), frame(1).length * 2);
  await write(frame(2));
  await assert.rejects(async () => write(Buffer.from([0xbf])), { code: "telemetry.cbor" });
  assert.deepEqual(
    Buffer.from(await queen.read("/queen/telemetry/d/seg/seg-000001")),
    Buffer.concat([frame(1), frame(2)]),
  );
  assert.deepEqual((await json("d/latest.json")).sources, { "frame:worker-1": 2 });
});

test("a record that a failing disk did not keep is not taken for kept when it comes again, and another segment takes it", async (context) => {
  const files = recordingFiles();
  const { open, append, json, read } = await rig(context, {}, files);
  await open();
  const [one, two] = [envelope(1, "one", "s"), envelope(2, "two", "s")];
  await append("d/seg/seg-000001", one);
  files.fail({ op: "sync", errno: "EIO" });
  await assert.rejects(async () => {
    const { verdict } = await append("d/seg/seg-000001", two);
    if (verdict !== "ok") throw new Error("refused");
  });
  for (const again of [one, two])
    assert.equal((await append("d/seg/seg-000001", again)).code, "telemetry.broken");
  assert.deepEqual((await json("d/latest.json")).sources, { s: 1 });
  assert.equal(await read("d/seg/seg-000001"), one);
  await open();
  await append("d/seg/seg-000002", two);
  assert.equal(await read("d/seg/seg-000002"), two);
});

test("a segment whose sealing failed is sealed later, and its digest is then in the journal", async (context) => {
  const files = recordingFiles();
  let broken = true;
  const flaky = new Proxy(files, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        if (broken && name === "read" && String(given[0]).startsWith("telemetry/"))
          return Promise.reject(new Error("EIO"));
        return value.apply(target, given);
      };
    },
  });
  const { kernel, clock, open, append, json } = await rig(context, {}, flaky);
  await open();
  await append("d/seg/seg-000001", "one\n");
  await append("d/ctl", '{"seal":"segment"}');
  const log = () => Buffer.from(kernel.rings.ring("/log/queen.log").read(0, 4096)).toString();
  while (!log().includes("not sealed")) await new Promise((resolve) => void setImmediate(resolve));
  assert.equal((await json("d/latest.json")).segments[0].state, "sealing");
  broken = false;
  await clock.advanceAsync(7000);
  while (!log().includes("segment sealed")) await new Promise((resolve) => void setImmediate(resolve));
  const [segment] = (await json("d/latest.json")).segments;
  assert.deepEqual([segment.state, segment.records], ["sealed", 1]);
});
