import { readFile } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { attach, type HiveProcess, startHive } from "../hive.ts";
import { load, several } from "../load.ts";
import type { Bench, Measured } from "../row.ts";

function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const bytes = Buffer.alloc(4 + payload.length);
  bytes.writeUInt32LE(bytes.length, 0);
  payload.copy(bytes, 4);
  return bytes;
}

/** A client that asks one thing again and again; an answer is over with a certain line. */
class Asker {
  readonly #socket: Socket;
  readonly #waiting: (() => void)[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #last = "";
  #outgoing: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
  }

  #take(bytes: Buffer): void {
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    let at = 0;
    while (all.length - at >= 4) {
      const size = all.readUInt32LE(at);
      if (all.length - at < size) break;
      const length = size - 4;
      if (length === this.#last.length && all.toString("latin1", at + 4, at + size) === this.#last)
        this.#waiting.shift()?.();
      else if (all[at + 4] === 0x45 && all.toString("latin1", at + 4, at + 8) === "ERR ")
        this.#socket.destroy(new Error(all.toString("latin1", at + 4, at + size)));
      at += size;
    }
    this.#rest = all.subarray(at);
  }

  /** Asks, and resolves with the line that ends the answer. */
  ask(request: Buffer, last: string): Promise<void> {
    this.#last = last;
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#send());
    this.#outgoing.push(request);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #send(): void {
    this.#socket.write(Buffer.concat(this.#outgoing));
    this.#outgoing = [];
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function login(hive: HiveProcess): Promise<Asker> {
  const { console: at, home } = hive.ready;
  const token = (await readFile(join(home, "secrets", "console.token"), "utf8")).trim();
  const socket = createConnection(at ?? { port: 0 });
  const asker = new Asker(socket);
  await asker.ask(frame(`AUTH ${token}`), "OK AUTH");
  await asker.ask(frame("ATTACH queen "), "OK ATTACH role=queen");
  return asker;
}

/** What one kind of request is asked for, and what the original was measured at (its facts, §12), per second. */
interface Asked {
  readonly name: string;
  readonly request: string;
  readonly last: string;
  /** Middle of the original's runs: one request in flight, emulated, so a bound for nothing but this comparison. */
  readonly original: number;
  /** What is wanted with 64 at a time. */
  readonly goal?: { readonly least: number };
  /** The same over 9P, where there is such a thing. */
  readonly ninep?: (client: Client) => Promise<unknown>;
}

const original = "the original, one at a time (its facts §12, not a run)";

async function oneKind(hive: HiveProcess, client: Client, asked: Asked): Promise<Measured[]> {
  const { name, request, last, ninep } = asked;
  const asker = await login(hive);
  const bytes = frame(request);
  const made = (depth: number) =>
    several(3, () => load({ pid: hive.pid, depth, lasts: 400 }, () => asker.ask(bytes, last)));
  const [one, many] = [await made(1), await made(64)];
  asker.close();
  const rows: Measured[] = [
    {
      name: `console ${name}, one at a time`,
      unit: "/s",
      runs: one.map(({ rate }) => rate),
      peer: original,
      peerRuns: [asked.original],
    },
    {
      name: `console ${name}, 64 at a time`,
      unit: "/s",
      runs: many.map(({ rate }) => rate),
      ...(asked.goal && { goal: asked.goal }),
      peer: original,
      peerRuns: [asked.original],
    },
    {
      name: `console ${name}, 64 at a time: processor time of the daemon`,
      unit: "µs",
      runs: many.map(({ server }) => server),
    },
  ];
  if (!ninep) return rows;
  const over = await several(3, () => load({ pid: hive.pid, depth: 1, lasts: 400 }, () => ninep(client)));
  const peerRuns = over.map(({ rate }) => rate);
  const peer = "9P on the same tree, with its walk, open and clunk";
  rows.push({
    name: `console ${name} beside 9P`,
    unit: "/s",
    runs: one.map(({ rate }) => rate),
    peer,
    peerRuns,
  });
  return rows;
}

const goal = { least: 20_000 };
const worker = "/worker/worker-1/telemetry";
const record = "x".repeat(32);
const [log, line] = ["/log/queen.log", "x".repeat(64)];

/** What the original was measured at, in the order of its table. */
const kinds: readonly Asked[] = [
  { name: "PING", request: "PING", last: "PONG", original: 960, goal },
  {
    name: "CAT",
    request: "CAT /proc/lifecycle/state",
    last: "END",
    original: 553,
    goal,
    ninep: (client) => client.readFirst("/proc/lifecycle/state"),
  },
  {
    name: "CAT of /proc/boot",
    request: "CAT /proc/boot",
    last: "END",
    original: 450,
    ninep: (client) => client.readFirst("/proc/boot"),
  },
  { name: "LS", request: "LS /", last: "END", original: 309, ninep: (client) => client.readdir("/") },
  {
    name: "append of 32 bytes",
    request: `ECHO ${worker} ${record}`,
    last: `OK ECHO path=${worker} bytes=${record.length}`,
    original: 900,
    ninep: (client) => client.append(worker, record),
  },
  {
    name: "append of 64 bytes to the log",
    request: `ECHO ${log} ${line}`,
    last: `OK ECHO path=${log} bytes=${line.length}`,
    original: 923,
    ninep: (client) => client.append(log, line),
  },
];

/** A worker is spawned, killed and the rest listed, one after the other; and the same over 9P. */
async function cycles(hive: HiveProcess, client: Client): Promise<Measured[]> {
  const asker = await login(hive);
  let next = 2;
  const spawn = '{"spawn":"heartbeat","ticks":5}';
  const [path, list] = ["/queen/ctl", frame("LS /worker")];
  const echo = (line: string) =>
    asker.ask(frame(`ECHO ${path} ${line}`), `OK ECHO path=${path} bytes=${line.length}`);
  const cycle = async () => {
    await echo(spawn);
    await echo(`{"kill":"worker-${next++}"}`);
    await asker.ask(list, "END");
  };
  const made = await several(3, () => load({ pid: hive.pid, depth: 1, lasts: 600 }, cycle));
  asker.close();
  const over = await several(3, () =>
    load({ pid: hive.pid, depth: 1, lasts: 600 }, async () => {
      await client.append(path, spawn);
      await client.append(path, `{"kill":"worker-${next++}"}`);
      await client.readdir("/worker");
    }),
  );
  const runs = made.map(({ rate }) => rate);
  const name = "console spawn, kill and LS cycle";
  return [
    { name, unit: "/s", runs, peer: original, peerRuns: [252] },
    {
      name: `${name} beside 9P`,
      unit: "/s",
      runs,
      peer: "9P on the same tree",
      peerRuns: over.map(({ rate }) => rate),
    },
  ];
}

/** From connecting to an attached session and gone again; and the same over 9P with the owner's socket. */
async function attaches(hive: HiveProcess): Promise<Measured[]> {
  const made = await several(3, () =>
    load({ pid: hive.pid, depth: 1, lasts: 600 }, async () => (await login(hive)).close()),
  );
  const token = await hive.ticket("bench", "queen", [{ path: "/", verb: "rw" }]);
  const over = await several(3, () =>
    load({ pid: hive.pid, depth: 1, lasts: 600 }, async () =>
      (await attach(hive.ready["9p"], token)).close(),
    ),
  );
  return [
    {
      name: "console attach, from connecting on",
      unit: "/s",
      runs: made.map(({ rate }) => rate),
      peer: "9P with a ticket to verify",
      peerRuns: over.map(({ rate }) => rate),
    },
  ];
}

/** Requests on one connection of the console, each beside what the original was measured at and beside 9P. */
export const console: Bench = {
  name: "console",
  async run(tell) {
    await using hive = await startHive(["--console", "0"]);
    await using client = await hive.owner();
    await client.append("/queen/ctl", '{"spawn":"heartbeat","ticks":100}');
    const rows: Measured[] = [];
    for (const kind of kinds) {
      tell(kind.name);
      rows.push(...(await oneKind(hive, client, kind)));
    }
    tell("cycles and attaches");
    rows.push(...(await cycles(hive, client)), ...(await attaches(hive)));
    return rows;
  },
};
