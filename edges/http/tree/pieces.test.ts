import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Handle } from "@skep/kernel";
import { Pieces, sendBody } from "./pieces.ts";

const endless = 2 ** 40;

/** What lies in a file from an offset on: every 4 bytes tell the file and where they are. */
function fill(into: Uint8Array, file: number, at: number): void {
  const words = new Uint32Array(into.buffer, into.byteOffset, into.length / 4);
  for (let index = 0; index < words.length; index += 1)
    words[index] = Math.imul(at / 4 + index + 1, 2 * file + 1);
}

class PatternFile implements Handle {
  readonly #number: number;
  readonly #size: number;
  isClosed = false;

  constructor(number: number, size: number) {
    this.#number = number;
    this.#size = size;
  }

  async read(offset: number, count: number, _signal?: AbortSignal, into?: Uint8Array): Promise<Uint8Array> {
    assert.ok(into && into.length >= count);
    // As from a disk: the memory is filled while others run.
    await turn();
    const part = into.subarray(0, Math.min(count, this.#size - offset));
    fill(part, this.#number, offset);
    return part;
  }

  write(): number {
    throw new Error("read only");
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Pieces that tell when one is with two at a time, and spoil what is given back: whoever still sent it would send that. */
class Guarded {
  readonly pieces: Pieces;
  readonly out = new Set<Buffer>();
  dropped = 0;
  reused = 0;
  readonly #seen = new Set<Buffer>();

  constructor(pieces: Pieces) {
    this.pieces = pieces;
  }

  take(): Buffer {
    const piece = this.pieces.take();
    assert.ok(!this.out.has(piece), "one piece was given to two");
    if (this.#seen.has(piece)) this.reused += 1;
    this.#seen.add(piece);
    this.out.add(piece);
    return piece;
  }

  back(piece: Buffer, isUnused: boolean): void {
    assert.ok(this.out.delete(piece), "one piece was given back twice");
    if (isUnused) piece.fill(0xee);
    else this.dropped += 1;
    this.pieces.back(piece, isUnused);
  }
}

interface Sent {
  readonly response: ServerResponse;
  readonly file: PatternFile;
  readonly done: Promise<unknown>;
}

/** `/<file>/<bytes told>/<bytes there>`: the bytes of a file of its own. */
async function serve(t: TestContext, guarded: Guarded) {
  const sent: Sent[] = [];
  const server = createServer((asked, response) => {
    const [, number = 0, told = 0, there = told] = (asked.url ?? "").split("/").map(Number);
    const file = new PatternFile(number, there);
    response.writeHead(200, { "Content-Length": told });
    const done = sendBody(response, { handle: file, first: 0, last: told - 1 }, guarded);
    sent.push({ response, file, done: done.catch((thrown) => thrown) });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const at = server.address();
  return { port: typeof at === "object" && at ? at.port : 0, sent };
}

function get(port: number, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", path, agent: false }, resolve).on("error", reject).end();
  });
}

/** Reads an answer to its end and compares it with its file as it comes. */
async function compare(answer: IncomingMessage, file: number): Promise<number> {
  const hash = createHash("sha256");
  const wanted = createHash("sha256");
  const block = Buffer.alloc(65_536);
  let size = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    hash.update(part);
    size += part.length;
  }
  for (let at = 0; at < size; at += block.length) {
    fill(block, file, at);
    wanted.update(block.subarray(0, Math.min(block.length, size - at)));
  }
  assert.equal(hash.digest("hex"), wanted.digest("hex"));
  return size;
}

test("fast, slow and departed clients each get the bytes of their file, and no piece is with two at a time", async (t) => {
  const guarded = new Guarded(new Pieces({ bytes: 65_536, large: 6, small: 16_384 }));
  const { port, sent } = await serve(t, guarded);
  const size = 1_000_000;
  const slow = await Promise.all(Array.from({ length: 2 }, (_, at) => get(port, `/${100 + at}/${6 * size}`)));
  for (const answer of slow) answer.pause();
  const leaving = await Promise.all(
    Array.from({ length: 3 }, (_, at) => get(port, `/${200 + at}/${endless}`)),
  );
  // They take nothing until what they were sent fills everything between here and there.
  for (const { response } of sent.slice(2)) while (!response.socket?.writableLength) await turn();
  const fast = Array.from({ length: 6 }, async (_, at) => compare(await get(port, `/${at}/${size}`), at));
  assert.deepEqual(await Promise.all(fast), new Array(6).fill(size));
  for (const answer of leaving) answer.on("error", () => undefined).destroy();
  await Promise.all(sent.slice(2).map(({ done }) => done));
  assert.equal(guarded.dropped, 3);
  const late = slow.map((answer, at) => compare(answer, 100 + at));
  assert.deepEqual(await Promise.all(late), new Array(2).fill(6 * size));
  await Promise.all(sent.map(({ done }) => done));
  assert.deepEqual([guarded.out.size, guarded.pieces.lent], [0, 0]);
  assert.ok(sent.every(({ file }) => file.isClosed));
  assert.ok(guarded.reused > 50);
});

test("a file that ends before its time cuts the connection, so that nobody takes a part for the whole", async (t) => {
  const guarded = new Guarded(new Pieces());
  const { port, sent } = await serve(t, guarded);
  const answer = await get(port, "/1/400000/300000");
  await assert.rejects(compare(answer, 1), { code: "ECONNRESET" });
  assert.match(String(await sent[0]?.done), /Cannot read the last 100000 bytes/);
  assert.deepEqual([sent[0]?.file.isClosed, guarded.pieces.lent], [true, 0]);
});

test("memory that is given back is used again, unless somebody may still read it; many at a time get little each", () => {
  const pieces = new Pieces({ bytes: 8192, large: 2, small: 1024 });
  const [first, second, third] = [pieces.take(), pieces.take(), pieces.take()];
  assert.deepEqual([first.length, second.length, third.length], [8192, 8192, 1024]);
  pieces.back(third, true);
  assert.equal(third.length, 0);
  pieces.back(first, false);
  pieces.back(second, true);
  const [again, fresh] = [pieces.take(), pieces.take()];
  assert.equal(again, second);
  assert.ok(fresh !== first && fresh.length === 8192);
  assert.equal(pieces.lent, 2);
});
