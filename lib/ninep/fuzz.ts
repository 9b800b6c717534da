// Byte-level fuzzing of the server for the tests of this package: seeded, so that a finding can be played again.
import { encode, type Message, messageNames, numberOf } from "./codec.ts";
import { DIALECT, NOFID, NONUNAME, NOTAG } from "./constants.ts";
import { serve } from "./server.ts";
import { control, dir, hostOf, Stream, text } from "./sample-host.ts";
import { memoryWires } from "./wire.ts";

/** Numbers from a seed (mulberry32): each call gives one in 0..below-1. */
export type Draw = (below: number) => number;

export function draws(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const NAMES = ["hello", "ctl", "log", "log.follow", "sub", "deep", "..", "none", "", "."];
const SIZES = [0, 1, 2, 6, 7, 255, 0xffff, 0x7fff_ffff, 0xffff_ffff];

function pick<T>(draw: Draw, from: readonly T[]): T {
  return from[draw(from.length)] as T;
}

/** Requests that a server takes seriously, with small fids so that they meet. */
const likely: ((draw: Draw) => Message)[] = [
  (draw) => ({ type: "Twalk", tag: draw(9), fid: draw(4), newfid: draw(4), names: someNames(draw) }),
  (draw) => ({ type: "Tlopen", tag: draw(9), fid: draw(4), flags: pick(draw, [0, 1, 2, 0o2001, 0o304000]) }),
  (draw) => ({
    type: "Tread",
    tag: draw(9),
    fid: draw(4),
    offset: pick(draw, SIZES),
    count: pick(draw, SIZES),
  }),
  (draw) => ({ type: "Twrite", tag: draw(9), fid: draw(4), offset: draw(99), data: Buffer.from("line\n") }),
  (draw) => ({ type: "Treaddir", tag: draw(9), fid: draw(4), offset: draw(5), count: pick(draw, SIZES) }),
  (draw) => ({ type: "Tgetattr", tag: draw(9), fid: draw(4), requestMask: pick(draw, SIZES) }),
  (draw) => ({ type: "Tclunk", tag: draw(9), fid: draw(4) }),
  (draw) => ({ type: "Tremove", tag: draw(9), fid: draw(4) }),
  (draw) => ({ type: "Tflush", tag: 10 + draw(9), oldtag: draw(20) }),
  (draw) => ({
    type: "Txattrwalk",
    tag: draw(9),
    fid: draw(4),
    newfid: draw(6),
    name: pick(draw, ["", "user.x"]),
  }),
  (draw) => ({ type: "Tattach", tag: draw(9), fid: draw(4), afid: NOFID, uname: "", aname: "", nUname: 0 }),
  (draw) => ({ type: "Tversion", tag: NOTAG, msize: pick(draw, [0, 4096, 65_536]), version: DIALECT }),
];

function someNames(draw: Draw): string[] {
  return Array.from({ length: draw(4) }, () => pick(draw, NAMES));
}

function mutate(frame: Buffer, draw: Draw): Buffer {
  const at = draw(frame.length);
  switch (draw(5)) {
    case 0:
      frame[at] = draw(256);
      return frame;
    case 1:
      return frame.subarray(0, at);
    case 2:
      frame.writeUInt32LE(pick(draw, SIZES), draw(frame.length - 3));
      return frame;
    case 3:
      frame[4] = numberOf(pick(draw, messageNames));
      return frame;
    default:
      return Buffer.concat([frame.subarray(0, at), frame]);
  }
}

/** The bytes of one attack: a greeting, then requests of which every sixth is damaged. */
export function attack(seed: number): Buffer {
  const draw = draws(seed);
  const greeting: Message[] = [
    { type: "Tversion", tag: NOTAG, msize: 8192, version: DIALECT },
    { type: "Tattach", tag: 1, fid: 0, afid: NOFID, uname: "", aname: "", nUname: NONUNAME },
  ];
  const parts = greeting.map(encode);
  for (let left = 4 + draw(60); left > 0; left--) {
    const frame = encode(pick(draw, likely)(draw));
    parts.push(draw(6) === 0 ? mutate(frame, draw) : frame);
  }
  return Buffer.concat(parts);
}

/** What a server did with the bytes of one connection. */
export interface Outcome {
  /** The code of the fault that ended it, or "open" where the client did. */
  readonly end: string;
  /** Bytes that it answered. */
  readonly answered: number;
  /** Faults of kind `internal`, which no input may cause. */
  readonly internal: readonly string[];
  /** What was still held after the end: fids, requests and open streams. */
  readonly left: number;
}

/** Plays bytes against a small tree, cut at places drawn from the seed. */
export async function playBytes(bytes: Buffer, seed: number): Promise<Outcome> {
  const draw = draws(seed ^ 0x5eed);
  const [here, there] = memoryWires(1 << 20);
  const log = new Stream();
  const tree = dir({ hello: text("hello"), ctl: control(), log: log.plain, "log.follow": log.follow });
  tree.entries.sub = dir({ deep: text("deep") });
  const internal: string[] = [];
  const connection = serve(there, hostOf(tree), {
    fids: 8,
    report: (fault) => internal.push(String(fault.cause)),
  });
  let answered = 0;
  here.listen({
    data: (chunk) => (answered += chunk.length),
    drain: () => undefined,
    closed: () => undefined,
  });
  for (let at = 0; at < bytes.length; ) {
    const next = Math.min(bytes.length, at + 1 + draw(200));
    here.write(Buffer.from(bytes.subarray(at, next)));
    if (draw(3) === 0) await Promise.resolve();
    at = next;
  }
  log.append("something\n");
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  connection.close();
  const end = (await connection.closed)?.code ?? "open";
  const { fids, requests } = connection.load;
  return { end, answered, internal, left: fids + requests + log.opened };
}
