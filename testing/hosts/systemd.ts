import { createRequire } from "node:module";

/** A unit as systemd tells of it on the bus. */
export interface FakeUnit {
  LoadState: string;
  ActiveState: string;
  SubState: string;
  InvocationID: Buffer;
  Job: readonly [number, string];
}

const root = "/org/freedesktop/systemd1";
const manager = "org.freedesktop.systemd1.Manager";
const unitInterface = "org.freedesktop.systemd1.Unit";
const types = { LoadState: "s", ActiveState: "s", SubState: "s", InvocationID: "ay", Job: "(uo)" } as const;

interface NativeBus {
  exportInterface(object: object, path: string, of: object): void;
  requestName(name: string, flags: number, done: (error: unknown) => void): void;
  readonly connection: { end(): void; on(event: "error", act: () => void): void };
}

function refused(name: string, text: string): Error {
  return Object.assign(new Error(text), { dbusName: `org.freedesktop.systemd1.${name}` });
}

const pathOf = (unit: string): string =>
  `${root}/unit/${unit.replace(/[^A-Za-z0-9]/g, (one) => `_${one.charCodeAt(0).toString(16)}`)}`;

/** Stands in for systemd: units with invocations of their own, and a count of what was done to them. */
export class FakeSystemd {
  readonly units = new Map<string, FakeUnit>();
  /** What was done, in order: `restart web.service`. */
  readonly done: string[] = [];
  /** Comes between the asking and the doing; what it throws is the answer, and then nothing is done. */
  before: (verb: string, unit: string) => Promise<void> = async () => undefined;
  /** Comes between the doing and the answer. */
  after: (verb: string, unit: string) => Promise<void> = async () => undefined;
  #invocations = 0;

  constructor(names: readonly string[]) {
    for (const name of names) this.units.set(name, this.#unit());
  }

  #invocation(): Buffer {
    this.#invocations += 1;
    return Buffer.from(this.#invocations.toString(16).padStart(32, "0"), "hex");
  }

  #unit(): FakeUnit {
    return {
      LoadState: "loaded",
      ActiveState: "active",
      SubState: "running",
      InvocationID: this.#invocation(),
      Job: [0, "/"],
    };
  }

  #found(name: string): FakeUnit {
    const unit = this.units.get(name);
    if (!unit) throw refused("NoSuchUnit", `Unit ${name} not found.`);
    return unit;
  }

  async #do(verb: string, name: string): Promise<string> {
    const unit = this.#found(name);
    await this.before(verb, name);
    this.done.push(`${verb} ${name}`);
    const runs = verb !== "stop";
    if (verb === "restart" || (runs && unit.ActiveState !== "active")) unit.InvocationID = this.#invocation();
    unit.ActiveState = runs ? "active" : "inactive";
    unit.SubState = runs ? "running" : "dead";
    await this.after(verb, name);
    return `${root}/job/${this.done.length}`;
  }

  /** The methods of the manager. */
  get methods() {
    return {
      ListUnits: () =>
        [...this.units].map(([name, unit]) => {
          const { LoadState, ActiveState, SubState } = unit;
          return [name, `The ${name}`, LoadState, ActiveState, SubState, "", pathOf(name), 0, "", "/"];
        }),
      ListUnitFiles: () => [...this.units.keys()].map((name) => [`/etc/systemd/system/${name}`, "enabled"]),
      LoadUnit: (name: string) => {
        this.#found(name);
        return pathOf(name);
      },
      StartUnit: (name: string) => this.#do("start", name),
      StopUnit: (name: string) => this.#do("stop", name),
      RestartUnit: (name: string) => this.#do("restart", name),
    };
  }

  /** A connection to it that needs no bus. */
  connection() {
    const methods: Readonly<Record<string, (...body: never[]) => unknown>> = this.methods;
    const units = new Map([...this.units].map(([name, unit]) => [pathOf(name), unit]));
    return {
      closed: new Promise<void>(() => undefined),
      get: async (_service: string, path: string, _of: string, property: string): Promise<unknown> =>
        units.get(path)?.[property as keyof FakeUnit],
      watch: async () => undefined,
      call: async ({
        member = "",
        body = [],
      }: {
        readonly member?: string;
        readonly body?: readonly unknown[];
      }) => [await methods[member]?.(...(body as never[]))],
      [Symbol.dispose]: () => undefined,
    };
  }

  /** Serves it on a real bus until disposed. */
  async serve(address: string): Promise<Disposable> {
    const { createClient } = createRequire(import.meta.url)("@homebridge/dbus-native") as {
      createClient(options: { busAddress: string }): NativeBus;
    };
    const bus = createClient({ busAddress: address });
    bus.connection.on("error", () => undefined);
    const methods = {
      ListUnits: ["", "a(ssssssouso)"],
      ListUnitFiles: ["", "a(ss)"],
      LoadUnit: ["s", "o"],
      StartUnit: ["ss", "o"],
      StopUnit: ["ss", "o"],
      RestartUnit: ["ss", "o"],
    };
    bus.exportInterface(this.methods, root, { name: manager, methods, properties: {} });
    for (const [name, unit] of this.units)
      bus.exportInterface(unit, pathOf(name), { name: unitInterface, methods: {}, properties: types });
    await new Promise<void>((resolve, reject) => {
      bus.requestName("org.freedesktop.systemd1", 0, (error) => (error ? reject(error as Error) : resolve()));
    });
    return { [Symbol.dispose]: () => bus.connection.end() };
  }
}
