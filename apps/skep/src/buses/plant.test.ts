import { createServer, type Server, type Socket } from "node:net";
import { server } from "jsmodbus";
import { Program, type Started } from "../attached/testing-program.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { until } from "../host/testing.ts";

/** A MODBUS TCP server of others, whose registers a test sees. */
export class Plant implements AsyncDisposable {
  readonly holding = Buffer.alloc(64);
  readonly input = Buffer.alloc(64);
  readonly coils = Buffer.alloc(8);
  readonly discrete = Buffer.alloc(8);
  /** Writes of registers, in order: address and value. */
  readonly written: (readonly [number, number])[] = [];
  /** Cuts the connection after the next write, before its answer. */
  mute = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  port = 0;

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    const { holding, input, coils, discrete } = this;
    const plant = new server.TCP(this.#server, { holding, input, coils, discrete });
    const heard = (request: unknown): void => {
      const { address, value } = (request as { body: { address: number; value: number } }).body;
      this.written.push([address, value]);
      if (this.mute) this.cut();
    };
    plant.on("preWriteSingleRegister", heard);
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(port, "127.0.0.1", done));
    this.port = (this.#server.address() as { port: number }).port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((done) => void this.#server.close(() => done()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined);
  }
}

/** Rules of a bridge for the plant: a temperature, a flag, a setpoint that may be written, and one that may not. */
export const plantRules = (port: number): string => `
[device]
protocol = "modbus"
tcp = "127.0.0.1:${port}"
every = "50ms"
timeout = "2s"

[[point]]
name = "temperature"
table = "input"
address = 0
type = "f32"

[[point]]
name = "running"
table = "discrete"
address = 3

[[point]]
name = "setpoint"
table = "holding"
address = 4
scale = 0.1
write = true
least = 0
most = 40

[[point]]
name = "fixed"
table = "holding"
address = 5
`;

/** A hive with a bus named plant, and whoever may be its bridge. */
export interface BusHive extends AsyncDisposable {
  readonly hive: TestHive;
  readonly plant: Plant;
  readonly rules: string;
  readonly folder: string;
  read(path: string): Promise<string>;
  say(path: string, line: object | string): Promise<string>;
  /** Starts `skep bus`; gives how it is stopped. */
  start(...more: string[]): Started;
  /** The write once it ended. */
  ended(id: string): Promise<Readonly<Record<string, unknown>>>;
}

/** Starts a hive, a plant and the files of a bridge. */
export async function busHive(settings: string): Promise<BusHive> {
  const hive = await startTestHive(undefined, { SKEP_BUS_ADAPTERS: settings });
  const plant = new Plant();
  await plant.listen();
  plant.input.writeFloatBE(21.5, 0);
  plant.holding.writeUInt16BE(200, 8);
  const bridge = await Program.of(hive, "bus", "plant", plantRules(plant.port));
  const { rules, folder } = bridge;
  const read = async (path: string) => Buffer.from(await hive.hive.owner.read(path)).toString();
  return {
    ...{ hive, plant, rules, folder, read },
    say: async (path, line) => {
      const text = typeof line === "string" ? line : JSON.stringify(line);
      const { verdict, code } = await hive.hive.owner.append(path, text);
      return verdict === "ok" ? "ok" : (code ?? "");
    },
    start: (...more) => bridge.start(...more),
    ended: (id) =>
      until(`the end of ${id}`, async () => {
        const all = JSON.parse(await read("/bus/plant/writes.json")) as Readonly<Record<string, unknown>>[];
        return all.find(
          (one) => one.id === id && !["queued", "claimed", "running"].includes(String(one.state)),
        );
      }),
    [Symbol.asyncDispose]: async () => {
      await bridge[Symbol.asyncDispose]();
      await plant[Symbol.asyncDispose]();
      await hive[Symbol.asyncDispose]();
    },
  };
}
