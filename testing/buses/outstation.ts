import { createServer, type Server, type Socket } from "node:net";
import { LinkDeframer, linkFrame, Reassembler, segments } from "@skep/dnp3";

/** What an outstation does with an operation: does it, does it and says nothing, or refuses with a status. */
export type OutstationManner = "do" | "mute" | { readonly status: number };

const functionOf = { confirm: 0, read: 1, select: 3, operate: 4, direct: 5 } as const;
const objectBytes: Readonly<Record<string, number>> = {
  "12 1": 11,
  "41 1": 5,
  "41 2": 3,
  "41 3": 5,
  "41 4": 9,
};

/** A DNP3 outstation over TCP with relays and setpoints, which counts what it was made to do. */
export class FakeOutstation implements AsyncDisposable {
  readonly relays = new Map<number, boolean>([[0, false]]);
  readonly setpoints = new Map<number, number>([[0, 20]]);
  /** Operations in their order: what and of which output. */
  readonly operated: string[] = [];
  /** Functions that were asked for, in their order. */
  readonly asked: number[] = [];
  manner: OutstationManner = "do";
  /** Statuses of selections. */
  selection = 0;
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #selected: { readonly seq: number; readonly object: string } | undefined;

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => this.#sockets.delete(socket));
      const deframer = new LinkDeframer();
      const reassembler = new Reassembler();
      socket.on("data", (bytes) => {
        for (const { payload } of deframer.push(bytes)) {
          const fragment = reassembler.push(payload);
          if (fragment) this.#came(socket, fragment);
        }
      });
    });
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(port, "127.0.0.1", done));
    this.port = (this.#server.address() as { port: number }).port;
  }

  #tell(socket: Socket, seq: number, objects: Uint8Array): void {
    const head = Buffer.from([0xc0 | seq, 0x81, 0, 0]);
    for (const payload of segments(Buffer.concat([head, objects]), 0))
      socket.write(linkFrame({ control: 0x44, destination: 1, source: 1024, payload }));
  }

  #came(socket: Socket, fragment: Buffer): void {
    const seq = (fragment[0] ?? 0) & 15;
    const code = fragment[1] ?? 0;
    if (code === functionOf.confirm) return;
    this.asked.push(code);
    if (code === functionOf.read) {
      this.#tell(socket, seq, this.#now());
      return;
    }
    const object = Buffer.from(fragment.subarray(2));
    const status = this.#status(code, seq, object);
    if (code !== functionOf.select && this.manner === "mute") return;
    object.writeUInt8(status, object.length - 1);
    this.#tell(socket, seq, object);
  }

  #status(code: number, seq: number, object: Buffer): number {
    const [group = 0, variation = 0, qualifier = 0, low = 0, high = 0] = object;
    const bytes = objectBytes[`${group} ${variation}`];
    if (bytes === undefined || qualifier !== 0x28 || low + 256 * high !== 1 || object.length !== 7 + bytes)
      return 3;
    const name = object.toString("hex");
    if (code === functionOf.select) {
      this.#selected = { seq, object: name };
      return this.selection;
    }
    const selected = this.#selected;
    this.#selected = undefined;
    if (code === functionOf.operate && (selected?.object !== name || selected.seq !== ((seq + 15) & 15)))
      return 2;
    if (typeof this.manner === "object") return this.manner.status;
    return this.#operate(group, variation, object.readUInt16LE(5), object.subarray(7));
  }

  #operate(group: number, variation: number, index: number, object: Buffer): number {
    if (group === 12) {
      const code = object.readUInt8(0);
      this.operated.push(`relay ${index} ${code}`);
      if (code === 3 || code === 4) this.relays.set(index, code === 3);
      return 0;
    }
    const value =
      variation === 1
        ? object.readInt32LE(0)
        : variation === 2
          ? object.readInt16LE(0)
          : variation === 3
            ? object.readFloatLE(0)
            : object.readDoubleLE(0);
    this.operated.push(`setpoint ${index} ${value}`);
    this.setpoints.set(index, value);
    return 0;
  }

  /** States of outputs: binary ones with flags, analog ones as floats. */
  #now(): Buffer {
    const relays = [...this.relays].map(([index, on]) => Buffer.from([index, on ? 0x81 : 0x01]));
    const setpoints = [...this.setpoints].map(([index, value]) => {
      const bytes = Buffer.from([index, 0x01, 0, 0, 0, 0]);
      bytes.writeFloatLE(value, 2);
      return bytes;
    });
    return Buffer.concat([
      Buffer.from([10, 2, 0x17, relays.length]),
      ...relays,
      Buffer.from([40, 3, 0x17, setpoints.length]),
      ...setpoints,
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((done) => void this.#server.close(() => done()));
  }
}
