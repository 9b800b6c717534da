import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";
import type { Wire } from "@skep/ninep";
import { parseTrace, printTrace, type Trace } from "./trace.ts";
import { recording } from "./wires.ts";

test("what a command said and heard is recorded, and said again without a hive, byte for byte", async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const { skep, dir } = place;
  const file = join(dir, "trace");
  const words = ["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"];
  const live = await skep(words, { env: { SKEP_TRACE: `record:${file}` } });
  assert.equal(live.code, 0);
  const trace = parseTrace(readFileSync(file));
  assert.deepEqual(trace.acks, ["OK WRITE count=32"]);
  assert.ok(trace.frames.length >= 5);

  await place.stop();
  const env = { SKEP_TRACE: `replay:${file}` };
  assert.deepEqual(await skep(words, { env: { ...env } }), live);
  const other = await skep(["echo", '{"spawn":"heartbeat","ticks":4}', "/queen/ctl"], { env: { ...env } });
  assert.equal(other.code, 8);
  assert.match(other.err, /Cannot replay: trace request mismatch: "at index \d+"/);
  const bytes = readFileSync(file);
  for (let at = 0; at < bytes.length; at += 13) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => parseTrace(changed), /Cannot (replay|read) the trace/, `byte ${at}`);
  }
  writeFileSync(file, bytes.subarray(0, -1));
  assert.equal((await skep(words, { env: { ...env } })).code, 1);
  assert.equal((await skep(words, { env: { SKEP_TRACE: "play" } })).code, 2);
  const none = await skep(words, { env: { SKEP_TRACE: `replay:${file}.none` } });
  assert.deepEqual([none.code, /no such file/.test(none.err)], [3, true]);
});

test("a trace has bounds", () => {
  const frame = (request: Buffer) => ({ request, response: request });
  assert.deepEqual(parseTrace(printTrace({ frames: [], acks: ["a"] })).acks, ["a"]);
  const large = { code: "trace.large" };
  const many = Array.from({ length: 8193 }, () => frame(Buffer.alloc(0)));
  assert.throws(() => printTrace({ frames: many, acks: [] }), large);
  assert.throws(() => printTrace({ frames: [frame(Buffer.alloc(1 << 20))], acks: [] }), large);
  assert.throws(() => printTrace({ frames: [], acks: Array.from({ length: 257 }, String) }), large);
});

test("a ticket that is attached with is not in a trace, and goes over the wire as it was", async () => {
  const sent: Uint8Array[] = [];
  const silent: Wire = {
    listen: () => undefined,
    write: (bytes) => sent.push(bytes) > 0,
    pause: () => undefined,
    resume: () => undefined,
    close: () => undefined,
  };
  let made: Trace | undefined;
  const wire = recording(silent, (trace) => {
    made = trace;
  });
  const text = (value: string) => Buffer.concat([Buffer.from([value.length, 0]), Buffer.from(value)]);
  const body = Buffer.concat([
    Buffer.from([104, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255]),
    text("skep"),
    text("very-secret-ticket"),
    Buffer.alloc(4),
  ]);
  const attach = Buffer.concat([Buffer.from([body.length + 4, 0, 0, 0]), body]);
  wire.write(attach.subarray(0, 9));
  wire.write(attach.subarray(9));
  wire.close();
  assert.equal(Buffer.concat(sent).equals(attach), true);
  const request = Buffer.from(made?.frames[0]?.request ?? []);
  assert.deepEqual([request.length, request.readUInt32LE(0)], [attach.length - 18, attach.length - 18]);
  assert.equal(request.includes("secret"), false);
});
