import { type Client, type ClientOptions, createClient } from "./client.ts";
import { fault } from "./faults.ts";
import type { Awaitable } from "./host.ts";
import type { Wire } from "./wire.ts";

/** How many connections there are for what. */
export interface PoolOptions {
  /** Connections for requests that are answered at once; 2 by default. */
  readonly control?: number;
  /** Connections for reads that wait and for bulk; 4 by default. */
  readonly telemetry?: number;
  readonly client?: ClientOptions;
}

/** Connections to one server, made when they are first needed and again after they ended. */
export interface Pool extends AsyncDisposable {
  /** A client for what is answered at once, so that it never queues behind a read that waits. */
  control(): Promise<Client>;
  /** A client for followed streams and bulk. */
  telemetry(): Promise<Client>;
}

interface Slot {
  client: Promise<Client> | undefined;
}

class Lane {
  readonly #slots: Slot[];
  readonly #dial: () => Promise<Client>;
  #turn = 0;

  constructor(size: number, dial: () => Promise<Client>) {
    this.#slots = Array.from({ length: Math.max(1, size) }, () => ({ client: undefined }));
    this.#dial = dial;
  }

  take(): Promise<Client> {
    const slot = this.#slots[this.#turn++ % this.#slots.length] as Slot;
    slot.client ??= this.#fill(slot);
    return slot.client;
  }

  #fill(slot: Slot): Promise<Client> {
    const made = this.#dial();
    const forget = () => {
      if (slot.client === made) slot.client = undefined;
    };
    made.then((client) => client.closed.then(forget), forget);
    return made;
  }

  async close(): Promise<void> {
    const open = this.#slots.flatMap(({ client }) => client ?? []);
    const found = await Promise.allSettled(open);
    await Promise.all(found.map((one) => (one.status === "fulfilled" ? one.value.close() : undefined)));
  }
}

/** A small pool: `dial` makes a connected wire. Clients taken from it are not to be closed by who took them. */
export function createPool(dial: () => Awaitable<Wire>, options: PoolOptions = {}): Pool {
  const { control = 2, telemetry = 4, client = {} } = options;
  let over = false;
  const connect = async () => {
    if (over) throw fault.closed();
    return await createClient(await dial(), client);
  };
  const lanes = { control: new Lane(control, connect), telemetry: new Lane(telemetry, connect) };
  return {
    control: () => lanes.control.take(),
    telemetry: () => lanes.telemetry.take(),
    async [Symbol.asyncDispose]() {
      over = true;
      await Promise.all([lanes.control.close(), lanes.telemetry.close()]);
    },
  };
}
