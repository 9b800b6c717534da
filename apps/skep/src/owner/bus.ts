import type { EventEmitter } from "node:events";

/** A message of the bus, as far as we write or read one. */
export interface Message {
  readonly type?: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly sender?: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
  readonly destination?: string;
}

interface Native {
  readonly connection: EventEmitter & { end(): void };
  invoke(
    message: Message,
    done: (error: { name?: string; message?: string } | null, ...body: unknown[]) => void,
  ): void;
  addMatch(rule: string, done: (error: unknown) => void): void;
}

/** A connection to a message bus, as far as we need one. */
export interface Bus extends Disposable {
  /** Reads a property; rejects where there is none. */
  get(service: string, path: string, of: string, property: string): Promise<unknown>;
  /** Calls a method and gives what it answers; rejects with what the other side refused, or when it does not answer. */
  call(message: Message, patience?: number): Promise<readonly unknown[]>;
  /** Calls `act` with each change of properties of an object. */
  watch(path: string, of: string, act: (changed: ReadonlyMap<string, unknown>) => void): Promise<void>;
  /** Fulfils when it is at an end. */
  readonly closed: Promise<void>;
}

const signalType = 4;
const properties = "org.freedesktop.DBus.Properties";
/** A bus that does not answer within so long is none, milliseconds. */
const patienceMs = 2000;

/** A variant comes as its signature and its value. */
function inside(variant: unknown): unknown {
  const [, values] = variant as readonly [unknown, readonly unknown[]];
  return values[0];
}

function changedIn(body: readonly unknown[]): ReadonlyMap<string, unknown> {
  const pairs = body[1] as readonly (readonly [string, unknown])[];
  return new Map(pairs.map(([name, variant]) => [name, inside(variant)]));
}

class NativeBus implements Bus {
  readonly closed: Promise<void>;
  readonly #native: Native;

  constructor(native: Native) {
    this.#native = native;
    const end = Promise.withResolvers<void>();
    this.closed = end.promise;
    native.connection.on("error", () => end.resolve());
    native.connection.on("end", () => end.resolve());
  }

  call(message: Message, patience = patienceMs): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("the bus does not answer")), patience);
      this.#native.invoke(message, (error, ...body) => {
        clearTimeout(late);
        if (error) reject(new Error(error.message ?? error.name ?? "refused"));
        else resolve(body);
      });
    });
  }

  async get(service: string, path: string, of: string, property: string): Promise<unknown> {
    const [variant] = await this.call({
      destination: service,
      path,
      interface: properties,
      member: "Get",
      signature: "ss",
      body: [of, property],
    });
    return inside(variant);
  }

  async watch(path: string, of: string, act: (changed: ReadonlyMap<string, unknown>) => void): Promise<void> {
    this.#native.connection.on("message", (message: Message) => {
      const { type, member, body = [] } = message;
      if (type !== signalType || member !== "PropertiesChanged") return;
      if (message.path === path && message.interface === properties && body[0] === of) act(changedIn(body));
    });
    const rule = `type='signal',interface='${properties}',member='PropertiesChanged',path='${path}'`;
    await new Promise<void>((resolve, reject) => {
      this.#native.addMatch(rule, (error) =>
        error ? reject(new Error("the bus refuses a match")) : resolve(),
      );
    });
  }

  [Symbol.dispose](): void {
    this.#native.connection.end();
  }
}

/** Opens the bus at an address such as `unix:path=/run/dbus/system_bus_socket`; rejects where there is none. */
export async function openBus(address: string): Promise<Bus> {
  const loaded = (await import("@homebridge/dbus-native")) as unknown as {
    readonly default: { createClient(options: { busAddress: string }): Native };
  };
  const native = loaded.default.createClient({ busAddress: address });
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      native.connection.end();
      reject(new Error("the bus does not answer"));
    }, patienceMs);
    native.connection.once("connect", () => {
      clearTimeout(late);
      resolve();
    });
    native.connection.once("error", (error: Error) => {
      clearTimeout(late);
      reject(error);
    });
  });
  return new NativeBus(native);
}
