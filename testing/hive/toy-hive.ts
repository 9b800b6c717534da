import { createHash } from "node:crypto";
import type { Clock } from "@skep/clock";
import {
  type Authority,
  type BlobHandle,
  type Build,
  type Cell,
  defineProvider,
  emitter,
  type Files,
  Kernel,
  type Provider,
  type Table,
} from "@skep/kernel";
import { faults } from "@skep/fault";
import { z } from "zod";

/** A type, not an interface, so that it is JSON to the compiler. */
type Bee = { readonly honey: number };

interface Comb {
  readonly bees: Table<Bee>;
  readonly motto: Cell<string>;
  readonly cells: Table<number>;
}

const fault = faults("toy", {
  unknown: ["absent", "Cannot find bee"],
  there: ["conflict", "Cannot hatch bee that is there"],
});

const events = {
  "hatched@1": (comb: Comb, { bee }: { bee: string }) => comb.bees.set(bee, { honey: 0 }),
  "gone@1": (comb: Comb, { bee }: { bee: string }) => comb.bees.delete(bee),
  "motto@1": (comb: Comb, { text }: { text: string }) => comb.motto.set(text),
  "sealed@1": (comb: Comb, { digest, size }: { digest: string; size: number }) =>
    comb.cells.set(digest, size),
  "hummed@1": () => undefined,
} as const;
const emit = emitter(events);

const Command = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("hatch"), bee: z.string().regex(/^[a-z0-9-]{1,32}$/) }),
  z.strictObject({ op: z.literal("retire"), bee: z.string() }),
  z.strictObject({ op: z.literal("hum"), text: z.string() }),
]);

/** Bytes of `/comb/hum`. */
const humSize = 4096;

function blobs(store: Map<string, Buffer>, digest: string): BlobHandle {
  const bytes = (): Buffer => store.get(digest) ?? Buffer.alloc(0);
  return {
    get size() {
      return bytes().length;
    },
    read: (offset, count) => bytes().subarray(offset, offset + count),
    append: async (more) => {
      store.set(digest, Buffer.concat([bytes(), more]));
      return createHash("sha256").update(bytes()).digest("hex") === digest;
    },
    close: () => undefined,
  };
}

function mounts(t: Build<Comb, Record<string, never>>, store: Map<string, Buffer>) {
  const bees = t.each(
    "Bees of the hive",
    "bee",
    { list: ({ state }) => state.bees.keys(), has: (name, { state }) => state.bees.has(name) },
    t.dir("One bee", {
      status: t.text("What the bee does", {
        render: ({ params }) => `${params.bee} is busy\n`,
        json: ({ params }) => ({ bee: params.bee, busy: true }),
      }),
    }),
  );
  const cells = t.each(
    "Sealed cells by digest",
    "digest",
    { list: ({ state }) => state.cells.keys(), has: (name) => /^[0-9a-f]{64}$/.test(name) },
    t.blob("One cell", {
      open: ({ params }) => blobs(store, params.digest ?? ""),
      complete: ({ size }, { params }) => ({
        events: [emit("sealed@1", { digest: params.digest ?? "", size })],
      }),
      size: ({ state, params }) => state.cells.get(params.digest ?? ""),
    }),
  );
  const comb = t.dir("A hive that plays", {
    ctl: t.control("Hatch or retire a bee, or hum", {
      input: Command,
      undo: "reversible",
      decide: (command, { state }) => {
        if (command.op === "hum") return { events: [emit("hummed@1", { text: command.text })] };
        const { bee } = command;
        if (command.op === "hatch" && state.bees.has(bee)) throw fault.there(bee);
        if (command.op === "retire" && !state.bees.has(bee)) throw fault.unknown(bee);
        return { events: [emit(command.op === "hatch" ? "hatched@1" : "gone@1", { bee })], result: { bee } };
      },
    }),
    count: t.text("How many bees there are", { render: ({ state }) => `${state.bees.size}\n` }),
    motto: t.value("What the hive says", {
      read: ({ state }) => state.motto.get(),
      decide: (text) => ({ events: [emit("motto@1", { text })] }),
    }),
    hum: t.stream("What the hive hums; anybody may hum along", {
      source: ({ ring }) => ring("/comb/hum", humSize),
      append: (bytes, { ring }) => {
        ring("/comb/hum", humSize).append(bytes);
        return bytes.length;
      },
    }),
    told: t.stream("Hums that were commanded", { source: ({ ring }) => ring("/comb/told", humSize) }),
    bees,
    cells,
  });
  return { "/comb": comb };
}

/** A provider with one node of every kind: `/comb/{ctl,count,motto,hum,told,bees,cells}`. */
export function toyProvider(): Provider {
  const store = new Map<string, Buffer>();
  return defineProvider<Comb>({
    name: "toy",
    doc: "A hive that plays",
    initial: (scope) => ({
      bees: scope.table("bees"),
      motto: scope.cell("motto", "busy\n"),
      cells: scope.table("cells"),
    }),
    events,
    notify: {
      "hummed@1": ({ text }: { text: string }, _meta, runtime) => {
        runtime.ring("/comb/told", humSize).append(Buffer.from(`${text}\n`));
      },
    },
    mounts: (t) => mounts(t, store),
  });
}

/** What a toy hive is made of. */
export interface ToyOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly providers?: readonly Provider[];
  /** Hears what is for the operator. */
  readonly log?: (line: string) => void;
}

/** A kernel over the toy provider; a failure of its disk ends the test. */
export function toyHive({ files, clock, providers = [toyProvider()], log }: ToyOptions): Promise<Kernel> {
  let drawn = 0;
  return Kernel.open({
    files,
    clock,
    providers,
    version: "toy",
    ...(log && { log }),
    defer: (act) => void setImmediate(act),
    fatal: (error) => {
      throw error;
    },
    chance: () => createHash("sha256").update(`${drawn++}`).digest("hex"),
    born: () => ({ id: "toy-hive", name: "toy" }),
  });
}

/** The authority of a ticket with rights at paths: `{ "/comb/hum": ["read"] }`. */
export function toyAuthority(
  subject: string,
  rights: Readonly<Record<string, readonly string[]>>,
  more: Partial<Authority> = {},
): Authority {
  const entries = Object.entries(rights);
  const below = (path: string, at: string) => at === "/" || path === at || path.startsWith(`${at}/`);
  return {
    subject,
    role: "observer",
    blocks: [{ id: `block-${subject}` }],
    allows: (path, verb) =>
      entries.some(([at, verbs]) => below(path, at) && verbs.includes(verb)) ? { meters: [] } : undefined,
    touches: (path) => entries.some(([at]) => below(path, at) || below(at, path)),
    ...more,
  };
}
