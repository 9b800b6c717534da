import { readFile } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { type HiveProcess, startHive } from "../hive.ts";
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

async function rowsOf(
  hive: HiveProcess,
  verb: string,
  request: string,
  last: string,
  depth: number,
): Promise<Measured[]> {
  const asker = await login(hive);
  const bytes = frame(request);
  const made = await several(5, () =>
    load({ pid: hive.pid, depth, lasts: 600 }, () => asker.ask(bytes, last)),
  );
  asker.close();
  const name = `console ${verb}, ${depth === 1 ? "one" : depth} at a time`;
  const rates = made.map(({ rate }) => rate);
  const goal = depth === 1 ? {} : { goal: { least: 20_000 } };
  return [
    { name, unit: "/s", runs: rates, ...goal, peer: "the original answers 408..964 (its facts, not a run)" },
    { name: `${name}: processor time of the daemon`, unit: "µs", runs: made.map(({ server }) => server) },
    { name: `${name}: of the client`, unit: "µs", runs: made.map(({ client }) => client) },
  ];
}

/** Requests on one connection of the console. */
export const console: Bench = {
  name: "console",
  async run(tell) {
    await using hive = await startHive(["--console", "0"]);
    const rows: Measured[] = [];
    for (const [verb, request, last] of [
      ["PING", "PING", "PONG"],
      ["CAT", "CAT /proc/lifecycle/state", "END"],
    ] as const)
      for (const depth of [1, 64]) {
        tell(`${verb}, ${depth} at a time`);
        rows.push(...(await rowsOf(hive, verb, request, last, depth)));
      }
    return rows;
  },
};
