import {
  type BlockBudget,
  type Bound,
  defineProvider,
  type Json,
  type Provider,
  type Scene,
} from "@skep/kernel";
import { Command, verbs } from "./command.ts";
import { decide, expire, nextEnd, type Uses } from "./decide.ts";
import { events, initial, type Queen, type Spawned } from "./state.ts";

export type { Queen, Spawned } from "./state.ts";

/** What the app passes in. */
export interface QueenDeps {
  /** Workers that may live at once. */
  readonly mostLive: number;
  readonly clock: {
    /** How far the wall clock is ahead of record time, milliseconds. */
    drift(): number;
    /** The operator says that the wall clock is right. */
    confirm(): void;
  };
}

/** The view `spawned`: workers that the queen made, which are no processes of ours. */
export interface SpawnedView {
  ids(): Iterable<string>;
  has(id: string): boolean;
  get(id: string): Spawned | undefined;
  /**
   * What a ticket whose subject is a spawned worker, or was narrowed from one, carries besides its own blocks: the
   * budget of its spawn, counted like that of a ticket. Undefined when there is none.
   */
  budget(subject: string): BlockBudget | undefined;
  /** Whether a subject is a spawned worker that lives no more, or was narrowed from one. */
  gone(subject: string): boolean;
}

/** A narrowed ticket may be for somebody below its subject, and stays that worker's: `worker-1/child`. */
function workerOf(subject: string): string {
  return subject.split("/", 1)[0] ?? "";
}

function view({ live, last }: Queen): SpawnedView {
  return {
    ids: () => live.keys(),
    has: (id) => live.has(id),
    get: (id) => live.get(id),
    budget: (subject) => {
      const id = workerOf(subject);
      const worker = live.get(id);
      return worker?.ops == null ? undefined : { id: `spawn:${id}`, ops: worker.ops };
    },
    gone: (subject) => {
      const [id, number] = /^worker-([1-9]\d{0,15})$/.exec(workerOf(subject)) ?? [];
      return id !== undefined && !live.has(id) && Number(number) <= last.get();
    },
  };
}

function spawnedOf({ state, params }: Scene<Queen, Uses>): Spawned | undefined {
  return state.live.get(params.id ?? "");
}

function spawnText(worker: Spawned | undefined): string {
  if (!worker) return "";
  const { kind, since, expires, ticks, ops, lease } = worker;
  const lines = {
    kind,
    since_ms: since,
    ...(expires === null ? {} : { expires_ms: expires }),
    ...(ticks === null ? {} : { ticks }),
    ...(ops === null ? {} : { ops }),
    ...lease,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/** `/queen/ctl`: spawn and kill workers, revoke tickets, confirm the clock. */
export function queenProvider(deps: QueenDeps): Provider {
  return defineProvider<Queen, Uses>({
    name: "queen",
    doc: "What an operator commands the hive as a whole",
    uses: ["kernel", "leased"],
    initial,
    events,
    offers: { spawned: view },
    notify: {
      "spawned@1": ({ worker }: { worker: string }, _meta, runtime) => runtime.log(`spawned ${worker}`),
      "killed@1": ({ worker, reason }: { worker: string; reason: string }, _meta, runtime) => {
        runtime.log(`${reason} ${worker}`);
        runtime.closeSessions(({ subject }) => workerOf(subject) === worker);
      },
      "bound@1": ({ session, ...bound }: Bound & { session: string }, _meta, runtime) =>
        runtime.bind(session, bound),
      "revoked@1": ({ block }: { block: string }, _meta, runtime) => runtime.log(`revoked ${block}`),
      "clock-confirmed@1": ({ drift }: { drift: number }, _meta, runtime) => {
        deps.clock.confirm();
        runtime.log(`clock confirmed drift_ms=${drift}`);
      },
    },
    touches: {
      "spawned@1": ({ worker }: { worker: string }) => `/worker/${worker}`,
      "killed@1": ({ worker }: { worker: string }) => `/worker/${worker}`,
      "kernel:revoked@1": ({ block }: { block: string }) => `ticket:${block}`,
      "kernel:lifecycle@1": () => "/proc/lifecycle",
      "kernel:key-rotated@1": () => "/audit/checkpoint",
    },
    tick: { next: nextEnd, decide: expire },
    mounts: (t) => ({
      "/queen": t.dir("What an operator commands the hive as a whole", {
        ctl: t.control(
          "Spawn or kill a worker, revoke a ticket, confirm the clock, bind or mount in one's own session; one JSON object per line",
          {
            input: Command,
            undo: "compensable",
            act: (command) => verbs.find((verb) => command[verb] !== undefined) ?? "write",
            acts: {
              spawn: {
                class: "reversible",
                inverse: (_command, _at, result) => ({
                  command: { kill: (result as { worker: string }).worker },
                }),
              },
              kill: {
                class: "compensable",
                compensation: "Spawn another: the number of a killed worker is never used again",
                target: ({ kill }, { state }) => state.live.get(kill ?? "") ?? null,
              },
              revoke: { class: "irreversible" },
              clock: { class: "irreversible" },
              bind: { class: "compensable", compensation: "Bind another, or attach again" },
              mount: { class: "compensable", compensation: "Mount another, or attach again" },
            },
            work: ({ spawn }) => spawn !== undefined,
            examples: [
              '{"spawn":"heartbeat","ticks":100,"budget":{"ttl_s":60,"ops":10}}',
              '{"spawn":"gpu","lease":{"gpu_id":"GPU-0","mem_mb":4096,"streams":1,"ttl_s":120,"priority":1}}',
              '{"kill":"worker-1"}',
              '{"revoke":"<block id>"}',
              '{"clock":"confirm"}',
              '{"bind":{"from":"/worker/worker-1","to":"/mine"}}',
              '{"mount":{"service":"logs","at":"/logs"}}',
            ],
            decide: (command, at) =>
              decide(command, at, { mostLive: deps.mostLive, drift: () => Math.round(deps.clock.drift()) }),
          },
        ),
      }),
      "/worker/:id/spawn": t.text("What a worker was spawned for", {
        visible: (scene) => spawnedOf(scene) !== undefined,
        render: (scene) => spawnText(spawnedOf(scene)),
        json: (scene) => (spawnedOf(scene) ?? null) as Json,
      }),
    }),
  });
}
