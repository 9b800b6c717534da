import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import {
  type Body,
  type Call,
  encode,
  type HostFile,
  type HostHandle,
  memoryWires,
  NOFID,
  type Root,
  type Message,
  serve,
} from "./mod.ts";
import { RawClient, rawClient } from "./raw-client.ts";
import { dir, hostOf, Stream, text } from "./sample-host.ts";

const EAGAIN = 11;
const EBADF = 9;
const ECANCELED = 125;

const readAt = (fid: number, offset: number): Body<"Tread"> => ({ fid, offset, count: 100 });

/** A file whose calls wait until the test settles them. */
class Held {
  readonly calls: { call: Call; resolve(value: unknown): void; reject(cause: unknown): void }[] = [];
  closed = 0;
  readonly file: HostFile;

  constructor() {
    const hold = (call: Call) =>
      new Promise<never>((resolve, reject) => this.calls.push({ call, resolve, reject } as never));
    const handle: HostHandle = {
      read: (_offset, _count, call) => hold(call),
      write: (_offset, _data, call) => hold(call),
      close: () => void this.closed++,
    };
    const walk = (name: string, call: Call) => (name === "slow" ? hold(call) : text(name));
    this.file = { ...dir({}), walk, open: () => handle };
  }

  /** The nth call. */
  at(index: number) {
    const found = this.calls[index];
    assert.ok(found, `no call ${index}`);
    return found;
  }
}

async function withHeld(options = {}) {
  const held = new Held();
  const log = new Stream();
  const leaf = { ...held.file, qid: text("").qid };
  const { raw, connection } = await rawClient(
    hostOf(dir({ held: leaf, log: log.follow, slow: held.file, fast: text("fast") })),
    options,
  );
  return { held, log, raw, connection };
}

test("a flushed read is told to stop and never answered; Rflush comes, and the tag is free", async () => {
  const { raw, log, connection } = await withHeld();
  await raw.open(1, "log");
  raw.send("Tread", 7, readAt(1, 0));
  raw.send("Tflush", 8, { oldtag: 7 });
  assert.deepEqual(await raw.next(), { type: "Rflush", tag: 8 });
  assert.equal(log.aborted, 1);
  assert.equal(connection.load.requests, 0);
  log.append("now");
  raw.send("Tread", 7, readAt(1, 0));
  const read = await raw.next();
  assert.equal(read?.type === "Rread" && Buffer.from(read.data).toString(), "now");
});

test("a flushed write is answered as it turned out, and Rflush comes after that", async () => {
  const { raw, held } = await withHeld();
  await raw.open(1, "held", 1);
  raw.send("Twrite", 7, { fid: 1, offset: 0, data: Buffer.from("line\n") });
  raw.send("Tflush", 8, { oldtag: 7 });
  raw.send("Tflush", 9, { oldtag: 7 });
  assert.equal((await raw.ask("Tgetattr", { fid: 1, requestMask: 1 }))?.type, "Rgetattr");
  assert.equal(held.at(0).call.signal.aborted, true);
  held.at(0).resolve(5);
  assert.deepEqual(await raw.next(), { type: "Rwrite", tag: 7, count: 5 });
  assert.deepEqual(await raw.next(), { type: "Rflush", tag: 8 });
  assert.deepEqual(await raw.next(), { type: "Rflush", tag: 9 });
});

test("a flush of nothing, or of a flush, is answered", async () => {
  const { raw, held } = await withHeld();
  raw.send("Tflush", 8, { oldtag: 1234 });
  assert.deepEqual(await raw.next(), { type: "Rflush", tag: 8 });
  await raw.open(1, "held", 1);
  raw.send("Twrite", 7, { fid: 1, offset: 0, data: Buffer.from("x") });
  raw.send("Tflush", 8, { oldtag: 7 });
  raw.send("Tflush", 9, { oldtag: 8 });
  await raw.ask("Tstatfs", { fid: 0 });
  held.at(0).resolve(1);
  assert.deepEqual([(await raw.next())?.tag, (await raw.next())?.tag, (await raw.next())?.tag], [7, 8, 9]);
});

test("a flushed walk gives its newfid back, and what it finds later is forgotten", async () => {
  const { raw, held, connection } = await withHeld();
  raw.send("Twalk", 7, { fid: 0, newfid: 5, names: ["slow", "slow"] });
  raw.send("Tflush", 8, { oldtag: 7 });
  assert.deepEqual(await raw.next(), { type: "Rflush", tag: 8 });
  assert.equal(connection.load.fids, 1);
  assert.equal(await raw.errno("Twalk", { fid: 0, newfid: 5, names: ["fast"] }), 0);
  held.at(0).resolve(text("late"));
  const attr = await raw.ask("Tgetattr", { fid: 5, requestMask: 0x200 });
  assert.equal(attr?.type === "Rgetattr" && attr.size, 4);
});

test("Tclunk ends what waits on its fid, closes it once, and is answered after it", async () => {
  const { raw, held } = await withHeld();
  await raw.open(1, "held");
  raw.send("Tread", 7, readAt(1, 0));
  raw.send("Tclunk", 8, { fid: 1 });
  assert.deepEqual(await raw.next(), { type: "Rlerror", tag: 7, ecode: ECANCELED });
  assert.deepEqual(await raw.next(), { type: "Rclunk", tag: 8 });
  assert.equal(held.at(0).call.signal.aborted, true);
  assert.equal(held.closed, 1);
});

test("when the connection ends every waiting call is told and every handle closed", async () => {
  const { raw, held, connection } = await withHeld();
  await raw.open(1, "held");
  for (let tag = 10; tag < 20; tag++) raw.send("Tread", tag, readAt(1, 0));
  await raw.ask("Tstatfs", { fid: 0 });
  raw.wire.close();
  assert.equal(await connection.closed, undefined);
  assert.deepEqual(new Set(held.calls.map(({ call }) => call.signal.aborted)), new Set([true]));
  assert.equal(held.closed, 1);
  assert.deepEqual(connection.load, { fids: 0, requests: 0 });
  for (const call of held.calls) call.resolve(Buffer.from("late"));
});

test("a file that opens after its request was dropped is closed again", async () => {
  let closed = 0;
  const opening = Promise.withResolvers<HostHandle>();
  const slow = { ...text(""), open: () => opening.promise };
  const { raw } = await rawClient(hostOf(dir({ slow })));
  await raw.ask("Twalk", { fid: 0, newfid: 1, names: ["slow"] });
  raw.send("Tlopen", 7, { fid: 1, flags: 0 });
  raw.send("Tflush", 8, { oldtag: 7 });
  assert.deepEqual(await raw.next(), { type: "Rflush", tag: 8 });
  opening.resolve({ read: () => Buffer.from("x"), close: () => void closed++ });
  assert.equal(await raw.errno("Tread", readAt(1, 0)), EBADF);
  assert.equal(closed, 1);
  await raw.ask("Tclunk", { fid: 1 });
  assert.equal(closed, 1);
});

test("an open and a read that come behind a walk under way wait for it", async () => {
  const walking = Promise.withResolvers<HostFile>();
  const opening = Promise.withResolvers<HostHandle>();
  const slow: HostFile = { ...text(""), open: () => opening.promise };
  const top = { ...dir({}), walk: () => walking.promise };
  const { raw, connection } = await rawClient(hostOf(top));
  raw.send("Twalk", 1, { fid: 0, newfid: 1, names: ["slow"] });
  raw.send("Tlopen", 2, { fid: 1, flags: 0 });
  raw.send("Tread", 3, readAt(1, 0));
  walking.resolve(slow);
  opening.resolve({ waits: true, read: () => Buffer.from("x") });
  const types: (string | undefined)[] = [];
  for (let at = 0; at < 3; at++) types.push((await raw.next())?.type);
  assert.deepEqual(types.sort(), ["Rlopen", "Rread", "Rwalk"]);
  assert.equal(connection.load.requests, 0);
});

test("what waits for a walk that fails or is flushed is told that there is no fid", async () => {
  const walks = [Promise.withResolvers<HostFile>(), Promise.withResolvers<HostFile>()];
  let at = 0;
  const top = { ...dir({}), walk: () => (walks[at++] as (typeof walks)[0]).promise };
  const { raw } = await rawClient(hostOf(top));
  raw.send("Twalk", 1, { fid: 0, newfid: 1, names: ["slow"] });
  raw.send("Tlopen", 2, { fid: 1, flags: 0 });
  walks[0]?.reject(new Fault("absent", "test.absent", "Cannot walk"));
  assert.deepEqual(await raw.next(), { type: "Rlerror", tag: 1, ecode: 2 });
  assert.deepEqual(await raw.next(), { type: "Rlerror", tag: 2, ecode: EBADF });
  raw.send("Twalk", 1, { fid: 0, newfid: 1, names: ["slow"] });
  raw.send("Tlopen", 2, { fid: 1, flags: 0 });
  raw.send("Tflush", 3, { oldtag: 1 });
  const told = [await raw.next(), await raw.next()].map((answer) => answer?.type);
  assert.deepEqual(told, ["Rflush", "Rlerror"]);
});

test("Tclunk does not wait for an open under way, and what waits behind it ends", async () => {
  const slow: HostFile = { ...text(""), open: () => new Promise<HostHandle>(() => undefined) };
  const { raw, connection } = await rawClient(hostOf(dir({ slow })));
  await raw.ask("Twalk", { fid: 0, newfid: 1, names: ["slow"] });
  raw.send("Tlopen", 2, { fid: 1, flags: 0 });
  raw.send("Tread", 3, readAt(1, 0));
  raw.send("Tclunk", 4, { fid: 1 });
  const answers = [await raw.next(), await raw.next(), await raw.next()];
  assert.deepEqual(answers.map((answer) => answer?.type).sort(), ["Rclunk", "Rlerror", "Rlerror"]);
  assert.equal(connection.load.requests, 0);
});

test("a root that comes after its attach was flushed is closed again", async () => {
  let closed = 0;
  const attaching = Promise.withResolvers<Root>();
  let attaches = 0;
  const root: Root = { file: dir({}), close: () => void closed++ };
  const { raw, connection } = await rawClient({
    attach: () => (attaches++ === 0 ? root : attaching.promise),
  });
  raw.send("Tattach", 7, { fid: 5, afid: NOFID, uname: "", aname: "", nUname: 0 });
  raw.send("Tflush", 8, { oldtag: 7 });
  assert.deepEqual(await raw.next(), { type: "Rflush", tag: 8 });
  attaching.resolve(root);
  await raw.ask("Tstatfs", { fid: 0 });
  assert.equal(closed, 1);
  assert.equal(connection.load.fids, 1);
});

test("forty-eight reads may wait; the next is EAGAIN while all else is answered", async () => {
  const { raw, log, connection } = await withHeld();
  await raw.open(1, "log");
  for (let tag = 100; tag < 150; tag++) raw.send("Tread", tag, readAt(1, 0));
  assert.deepEqual(await raw.next(), { type: "Rlerror", tag: 148, ecode: EAGAIN });
  assert.deepEqual(await raw.next(), { type: "Rlerror", tag: 149, ecode: EAGAIN });
  assert.equal(log.aborted, 2, "the host is told that nobody waits");
  assert.equal(connection.load.requests, 48);
  assert.equal(await raw.errno("Twalk", { fid: 0, newfid: 2, names: ["fast"] }), 0);
  raw.send("Tflush", 200, { oldtag: 100 });
  assert.deepEqual(await raw.next(), { type: "Rflush", tag: 200 });
  raw.send("Tread", 100, readAt(1, 0));
  await raw.ask("Tstatfs", { fid: 0 });
  assert.equal(connection.load.requests, 48);
  log.append("x");
  const tags = new Set<number | undefined>();
  for (let at = 0; at < 48; at++) tags.add((await raw.next())?.tag);
  assert.equal(tags.size, 48);
  assert.equal(connection.load.requests, 0);
});

test("beyond sixty-four requests all but Tclunk and Tflush are EAGAIN", async () => {
  const { raw, held, connection } = await withHeld();
  await raw.open(1, "held");
  await raw.open(2, "fast");
  for (let tag = 100; tag < 165; tag++) raw.send("Tread", tag, readAt(1, 0));
  assert.deepEqual(await raw.next(), { type: "Rlerror", tag: 164, ecode: EAGAIN });
  assert.equal(await raw.errno("Tread", readAt(2, 0)), EAGAIN);
  assert.equal(await raw.errno("Tclunk", { fid: 2 }), 0);
  raw.send("Tflush", 200, { oldtag: 100 });
  assert.deepEqual(await raw.next(), { type: "Rflush", tag: 200 });
  assert.equal(connection.load.requests, 63);
  held.at(1).resolve(Buffer.from("done"));
  assert.equal((await raw.next())?.tag, 101);
});

const clunk: Message = { type: "Tclunk", tag: 1, fid: 0 };
for (const [why, frames] of [
  [
    "a tag that is in use",
    [
      { type: "Tread", tag: 7, ...readAt(1, 0) },
      { ...clunk, tag: 7 },
    ],
  ],
  ["NOTAG on a request", [{ ...clunk, tag: 0xffff }]],
  ["an answer", [{ type: "Rclunk", tag: 1 }]],
  ["Tlerror", [{ type: "Tlerror", tag: 1, ecode: 1 }]],
] as [string, Message[]][])
  test(`${why} ends the connection, and what waited is told`, async () => {
    const { raw, connection } = await withHeld();
    await raw.open(1, "held");
    for (const frame of frames) raw.wire.write(encode(frame));
    assert.equal((await connection.closed)?.code, "ninep.protocol");
    assert.equal(await raw.next(), undefined);
  });

for (const [why, bytes] of [
  ["a frame of six bytes", Buffer.from([6, 0, 0, 0, 120, 1])],
  ["a frame over msize", Buffer.from([1, 0, 1, 0, 120, 1, 0])],
  ["a frame with a byte left over", Buffer.concat([Buffer.from([12, 0, 0, 0, 120, 1, 0]), Buffer.alloc(5)])],
  ["a Tread that is too short", Buffer.concat([Buffer.from([22, 0, 0, 0, 116, 1, 0]), Buffer.alloc(15)])],
] as const)
  test(`${why} ends the connection after what came before it was answered`, async () => {
    const { raw, connection } = await withHeld();
    raw.wire.write(Buffer.concat([encode({ ...clunk, tag: 3 }), bytes]));
    assert.equal((await connection.closed)?.code, "ninep.malformed");
    assert.equal((await connection.closed)?.kind, "corrupt");
  });

test("a request before Tversion ends the connection", async () => {
  const [here, there] = memoryWires();
  const connection = serve(there, hostOf(dir({})));
  here.listen({ data: () => undefined, drain: () => undefined, closed: () => undefined });
  here.write(encode(clunk));
  assert.equal((await connection.closed)?.code, "ninep.protocol");
});

test("a client that does not take its answers is not served on, and misses nothing later", async () => {
  const [here, there] = memoryWires();
  let reads = 0;
  const big: HostFile = { ...text(""), open: () => ({ read: (_, count) => Buffer.alloc(count, ++reads) }) };
  serve(there, hostOf(dir({ big })), { msize: 65_536 });
  const raw = await new RawClient(here).attach();
  await raw.open(1, "big");
  here.pause();
  const chunk = Array.from({ length: 400 }, (_, at) =>
    encode({ type: "Tread", tag: at, fid: 1, offset: 0, count: 60_000 }),
  );
  here.write(Buffer.concat(chunk));
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(reads < 5, `${reads} reads were made for a client that takes nothing`);
  here.resume();
  for (let at = 0; at < 400; at++) assert.equal((await raw.next())?.tag, at);
  assert.equal(reads, 400);
});

test("with defer no turn serves more than 256 requests, and all are answered in order", async () => {
  const turns: (() => void)[] = [];
  const { raw } = await rawClient(hostOf(dir({})), { defer: (act) => turns.push(act) });
  const frames = Array.from({ length: 1000 }, (_, tag) => encode({ type: "Tstatfs", tag, fid: 0 }));
  raw.wire.write(Buffer.concat(frames));
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  await settle();
  assert.equal(raw.answers.length, 256);
  while (turns.length > 0) {
    turns.shift()?.();
    await settle();
  }
  assert.deepEqual(
    raw.answers.map(({ tag }) => tag),
    frames.map((_, tag) => tag),
  );
});

test("answers to one chunk of requests leave in one write", async () => {
  const [here, there] = memoryWires();
  let writes = 0;
  const counting = {
    ...there,
    listen: there.listen.bind(there),
    pause: () => undefined,
    resume: () => undefined,
    close: () => there.close(),
    write: (bytes: Uint8Array) => {
      writes += 1;
      return there.write(bytes);
    },
  };
  serve(counting, hostOf(dir({})));
  const raw = await new RawClient(here).attach();
  writes = 0;
  here.write(Buffer.concat(Array.from({ length: 60 }, (_, tag) => encode({ type: "Tstatfs", tag, fid: 0 }))));
  for (let at = 0; at < 60; at++) await raw.next();
  assert.equal(writes, 1);
});
