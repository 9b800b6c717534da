import { createHash } from "node:crypto";
import { Caller, type HttpHive } from "./hive.ts";
import { good } from "./wire.ts";

const piece = 1_000_000;

/** Bytes that nobody else has, made again whenever they are needed. */
export interface Content {
  readonly seed: number;
  readonly bytes: number;
}

/** A part of an artifact, by digest: what a reference manifest names. */
export interface Part {
  readonly digest: string;
  readonly bytes: number;
}

let block: Buffer | undefined;

// A linear congruence: cheap, the same for the same seed, and nothing that a disk could press together.
function noise(): Buffer {
  if (block) return block;
  const words = new Uint32Array(piece / 4);
  let at = 20_251_121;
  for (let index = 0; index < words.length; index += 1) {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = at;
  }
  block = Buffer.from(words.buffer);
  return block;
}

/** The bytes from one offset to another, in pieces. */
export function* bytesOf({ seed }: Content, from: number, to: number): Generator<Buffer> {
  for (let at = from; at < to; at += piece) {
    const part = Buffer.from(noise().subarray(0, Math.min(piece, to - at)));
    part.writeUInt32BE(seed, 0);
    part.writeDoubleBE(at, 4);
    yield part;
  }
}

/** The parts of an artifact, each of at most so many bytes. */
export function partsOf(content: Content, most: number): Part[] {
  const parts: Part[] = [];
  for (let from = 0; from < content.bytes; from += most) {
    const to = Math.min(from + most, content.bytes);
    const hash = createHash("sha256");
    for (const bytes of bytesOf(content, from, to)) hash.update(bytes);
    parts.push({ digest: hash.digest("hex"), bytes: to - from });
  }
  return parts;
}

async function put(caller: Caller, { digest, bytes }: Part, body: Iterable<Buffer>): Promise<void> {
  const head = caller.request("PUT", `/v1/tree/cas/${digest}`, undefined, {
    "Content-Type": "application/octet-stream",
    "Content-Length": String(bytes),
  });
  good(await caller.wire.send(head, body));
}

/** Stores an artifact: its parts, its reference manifest, and a line of telemetry that names the manifest. */
export async function store(
  caller: Caller,
  worker: string,
  content: Content,
  parts: readonly Part[],
): Promise<void> {
  let at = 0;
  for (const part of parts) {
    await put(caller, part, bytesOf(content, at, at + part.bytes));
    at += part.bytes;
  }
  const manifest = Buffer.from(JSON.stringify({ kind: "artifact", bytes: content.bytes, parts, by: worker }));
  const digest = createHash("sha256").update(manifest).digest("hex");
  await put(caller, { digest, bytes: manifest.length }, [manifest]);
  const line = JSON.stringify({ artifact: digest, bytes: content.bytes, parts: parts.length });
  const echo = JSON.stringify({ path: `/worker/${worker}/telemetry`, line });
  const reply = good(await caller.wire.ask(caller.request("POST", "/v1/fs/echo", echo)));
  if (JSON.parse(String(reply)).status !== "OK") throw new Error(String(reply));
}

/** Reads an artifact as whoever watches telemetry: the line, the manifest, every part by its digest. */
export async function fetchBack(caller: Caller, worker: string, bytes: number): Promise<void> {
  const target = `/v1/fs/tail?path=/worker/${worker}/telemetry&lines=1`;
  const { lines } = JSON.parse(String(good(await caller.wire.ask(caller.request("GET", target)))));
  const { artifact } = JSON.parse(lines[0]) as { artifact: string };
  const manifest = good(await caller.wire.ask(caller.request("GET", `/v1/tree/cas/${artifact}`)));
  const { parts } = JSON.parse(String(manifest)) as { parts: readonly Part[] };
  let read = 0;
  for (const part of parts) {
    const hash = createHash("sha256");
    const sink = (data: Buffer): void => {
      hash.update(data);
      read += data.length;
    };
    good(await caller.wire.ask(caller.request("GET", `/v1/tree/cas/${part.digest}`), sink));
    if (hash.digest("hex") !== part.digest) throw new Error(`${worker}: part ${part.digest} came otherwise`);
  }
  if (read !== bytes) throw new Error(`${worker}: ${read} bytes of ${bytes} came`);
}

async function join(http: HttpHive, id: string): Promise<Caller> {
  const rights = [
    { path: `/worker/${id}`, verb: "rw" },
    { path: "/cas", verb: "rw" },
    { path: "/proc/lifecycle", verb: "read" },
  ] as const;
  const caller = await Caller.enter(http, id, "worker", rights);
  const hello = JSON.stringify({ op: "hello", incarnation: `bench-${id}`, slots: 1, kinds: ["wasm"] });
  good(await caller.wire.ask(caller.request("POST", `/v1/tree/worker/${id}/ctl`, hello)));
  return caller;
}

/** Workers that say hello over HTTP, each with a ticket and a connection of its own; numbered from `first` on. */
export async function joinWorkers(
  http: HttpHive,
  first: number,
  count: number,
): Promise<Map<string, Caller>> {
  const found = new Map<string, Caller>();
  for (let at = first; at < first + count; at += 32) {
    const ids = Array.from({ length: Math.min(32, first + count - at) }, (_, more) => `w-http${at + more}`);
    const made = await Promise.all(ids.map((id) => join(http, id)));
    for (const [index, id] of ids.entries()) found.set(id, made[index] as Caller);
  }
  return found;
}
