import { faults } from "@skep/fault";
import {
  type Deciding,
  type Decision,
  defineProvider,
  emitter,
  type EventMeta,
  type Json,
  type Provider,
  type Runtime,
  type Scene,
  type Scope,
} from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { z } from "zod";
import { machines, machinesOfShard, shards } from "./listed.ts";
import type { Known, Uses, Workers, WorkersView } from "./state.ts";
import { OwnerCommand, type OwnerTold, ownerText } from "./owner.ts";

const fault = faults("workers", {
  other: ["denied", "Cannot speak for another worker", { detail: "denied" }],
  key: [
    "conflict",
    "Cannot take another key for a worker that is known",
    { cure: "Give the new machine a ticket with another subject" },
  ],
  absent: ["conflict", "Cannot do that before the worker said hello"],
  spawned: ["denied", "Cannot say hello as a spawned worker", { detail: "denied" }],
});

const Command = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("hello"),
      incarnation: z.string().regex(/^[\w-]{8,64}$/),
      key: z
        .string()
        .regex(/^([0-9a-f]{64})?$/)
        .default(""),
      slots: z.int().min(1).max(1024).default(1),
      /** Jobs that it may be given beyond its slots while jobs are short; it gives back what has to wait. */
      ahead: z.int().min(0).max(1024).default(0),
      /** It appends to `beat` every 5 s while it has work: then it need not renew. */
      beats: z.boolean().default(false),
      kinds: z
        .array(z.enum(["wasm", "task"]))
        .min(1)
        .max(2)
        .default(["wasm"]),
      grades: z
        .array(z.enum(["fresh", "shared"]))
        .max(2)
        .default([]),
      layers: z.array(z.string().max(64)).max(16).default([]),
      version: z.string().max(64).default(""),
      /** Architecture and memory of its machine. */
      arch: z
        .string()
        .regex(/^[\w-]{0,32}$/)
        .default(""),
      memory_bytes: z.int().min(0).default(0),
      /** The worker's wall clock, milliseconds since 1970. */
      now: z.int().optional(),
    }),
    z.strictObject({ op: z.literal("bye") }),
    OwnerCommand,
  ])
  .meta({ id: "WorkerCommand" });

type Joined = Omit<Known, "present" | "since"> & { readonly worker: string };

const events = {
  "joined@1": ({ known, owners }: Workers, { worker, ...data }: Joined, { time }: EventMeta) => {
    // A new process tells anew what its owner lets it do, if anything.
    if (known.get(worker)?.incarnation !== data.incarnation) owners.delete(worker);
    known.set(worker, { ...data, since: time, present: true });
  },
  "owner@1": ({ owners }: Workers, { worker, ...told }: OwnerTold & { readonly worker: string }) =>
    owners.set(worker, told as never),
  "left@1": ({ known }: Workers, { worker }: { worker: string }) => {
    const before = known.get(worker);
    if (before) known.set(worker, { ...before, present: false });
  },
  // A hive that starts has no sessions: whoever was here says hello again.
  "kernel:started@1": ({ known }: Workers) => {
    for (const [worker, before] of known.entries())
      if (before.present) known.set(worker, { ...before, present: false });
  },
} as const;
const emit = emitter(events);

/** A worker sees itself, and whoever may read all of `/worker` sees all. */
function infoText(id: string, worker: Known | undefined): string {
  if (!worker) return `id=${id} kind=spawned\n`;
  const { key, slots, kinds, grades, layers, present, since, version, clockOffset } = worker;
  const { arch = "", memoryBytes = 0 } = worker;
  const lines = {
    id,
    kind: "process",
    state: present ? "present" : "gone",
    slots,
    kinds: kinds.join(","),
    grades: grades.join(","),
    layers: layers.join("+"),
    key,
    version,
    arch,
    memory_bytes: memoryBytes,
    since_ms: since,
    clock_offset_ms: clockOffset,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${escapeForeign(String(value), { form: "wire" })}\n`)
    .join("");
}

function hello(
  command: Extract<z.output<typeof Command>, { op: "hello" }>,
  id: string,
  session: string,
  before: Known | undefined,
  time: number,
): Joined {
  if (before && before.key !== "" && before.key !== command.key) throw fault.key(id);
  const { incarnation, key, slots, ahead, beats, kinds, grades, layers, version, arch, memory_bytes, now } =
    command;
  return {
    worker: id,
    incarnation,
    session,
    key,
    slots,
    ...(ahead > 0 ? { ahead } : {}),
    ...(beats ? { beats: true as const } : {}),
    kinds,
    grades,
    layers,
    version,
    ...(arch === "" ? {} : { arch }),
    ...(memory_bytes === 0 ? {} : { memoryBytes: memory_bytes }),
    clockOffset: now === undefined ? 0 : now - time,
  };
}

const notify = {
  // What a worker follows begins anew with each of its processes: it skips all before its own hello.
  "joined@1": ({ worker, incarnation, slots }: Joined, _meta: EventMeta, runtime: Runtime) => {
    runtime.log(`worker ${worker} joined with ${slots} ${slots === 1 ? "slot" : "slots"}`);
    runtime
      .ring(`/worker/${worker}/inbox`)
      .append(Buffer.from(`${JSON.stringify({ hello: incarnation })}\n`));
  },
  "owner@1": (
    { worker, state, reasons }: OwnerTold & { readonly worker: string },
    _meta: EventMeta,
    runtime: Runtime,
  ) => {
    const why = reasons.length > 0 ? `: ${escapeForeign(reasons[0]?.text ?? "", { form: "log" })}` : "";
    runtime.log(`worker ${worker}: its owner says ${state}${why}`);
  },
  "left@1": ({ worker }: { worker: string }, _meta: EventMeta, runtime: Runtime) => {
    runtime.log(`worker ${worker} left; what it runs waits until its lease ends`);
  },
} as const;

const pathOf = ({ worker }: { readonly worker: string }): string => `/worker/${worker}`;

function decideWorker(command: z.output<typeof Command>, at: Deciding<Workers, Uses>): Decision {
  const { state, views, params, caller, now } = at;
  const id = params.id ?? "";
  if (caller.subject !== id) throw fault.other(id);
  if (views.spawned.has(id)) throw fault.spawned(id);
  const before = state.known.get(id);
  if (command.op === "hello")
    return { events: [emit("joined@1", hello(command, id, caller.session, before, now))] };
  // Before the hello, too: then nothing is given to it that it would have to give back.
  if (command.op === "owner") {
    const { op: _op, ...told } = command;
    return { events: [emit("owner@1", { worker: id, ...told })] };
  }
  if (!before?.present) throw fault.absent(id);
  return { events: [emit("left@1", { worker: id })] };
}

type At = Scene<Workers, Uses>;
const idOf = ({ params }: At): string => params.id ?? "";
const isProcess = (scene: At): boolean => !scene.views.spawned.has(idOf(scene));
// Nobody else may speak for a worker, so to others there is nothing.
const isItself = (scene: At): boolean => isProcess(scene) && scene.caller.subject === idOf(scene);

/** `/worker/<id>`: worker processes and spawned workers; the same below `/shard/<xx>/worker`. */
export function workersProvider(): Provider {
  return defineProvider<Workers, Uses>({
    name: "workers",
    doc: "Machines that do work",
    uses: ["spawned"],
    initial: (scope: Scope) => ({ known: scope.table("known"), owners: scope.table("owners") }),
    events,
    offers: {
      workers: (state): WorkersView => ({
        get: (id) => state.known.get(id),
        rule: (id, name) => state.owners.get(id)?.rules[name],
      }),
    },
    left: ({ id, subject }, { state }) => {
      const worker = state.known.get(subject);
      return worker?.present && worker.session === id
        ? { events: [emit("left@1", { worker: subject })] }
        : undefined;
    },
    notify,
    touches: { "joined@1": pathOf, "left@1": pathOf },
    mounts: (t) => {
      const child = t.dir("One worker", {
        info: t.text("What is known of it", {
          render: (scene) => infoText(idOf(scene), scene.state.known.get(idOf(scene))),
          json: (scene) =>
            ({ id: idOf(scene), ...(scene.state.known.get(idOf(scene)) ?? { kind: "spawned" }) }) as Json,
        }),
        owner: t.text(
          "What the owner of the machine lets it do now, and the rules; told by it, written by nobody",
          {
            render: (scene) => ownerText(scene.state.owners.get(idOf(scene))),
            json: (scene) => (scene.state.owners.get(idOf(scene)) ?? { state: "run" }) as Json,
          },
        ),
        ctl: t.control("Say hello or bye as this worker; one JSON object per line", {
          input: Command,
          undo: "compensable",
          acts: {
            hello: { class: "compensable", compensation: "The worker says bye" },
            bye: { class: "compensable", compensation: "The worker says hello again" },
            owner: {
              class: "compensable",
              compensation: "The worker tells it anew when the rules of its owner change",
            },
          },
          // A worker that may not come in could not tell how its jobs ended.
          outcome: true,
          visible: isItself,
          examples: ['{"op":"hello","incarnation":"a1b2c3d4","slots":2,"kinds":["wasm"]}', '{"op":"bye"}'],
          decide: decideWorker,
        }),
        inbox: t.stream("Jobs for this worker, one JSON object per line", {
          visible: isItself,
          source: (scene) => scene.ring(`/worker/${idOf(scene)}/inbox`, 256 * 1024),
        }),
      });
      return {
        "/worker": t.each("Machines that do work", "id", machines, child),
        "/shard": t.each(
          "The same machines, by the first byte of the SHA-256 of their id",
          "shard",
          shards,
          t.each(
            "One shard: `worker` can be walked to, and is not listed",
            "kind",
            { list: () => [], has: (name) => name === "worker" },
            t.each("Machines of this shard", "id", machinesOfShard, t.alias("One worker", "/worker/:id")),
          ),
        ),
      };
    },
  });
}
