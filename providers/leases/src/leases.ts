import {
  type Build,
  defineProvider,
  type Json,
  type Node,
  type Provider,
  type Runtime,
  type Scene,
} from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { Command, decide, expire, nextEnd } from "./decide.ts";
import { events, initial, type Lease, type Leases } from "./state.ts";

/** What others may ask. */
export interface LeasedView {
  /** Whether a subject has a lease of a resource. */
  has(resource: string, holder: string): boolean;
  /** Who has the units of a resource that has none left; undefined while one is free. */
  takenBy(resource: string): readonly string[] | undefined;
}

type At = Scene<Leases>;

const wire = (value: unknown): string => escapeForeign(String(value), { form: "wire" });
const lineOf = (row: Readonly<Record<string, unknown>>): string =>
  `${Object.entries(row)
    .map(([name, value]) => `${name}=${wire(value)}`)
    .join(" ")}\n`;

/** A holder sees its own leases; who runs or watches the hive sees all. */
function sees({ caller }: At, { holder }: Lease): boolean {
  if (caller.role === "agent") return caller.may("/queen/lease/ctl", "write");
  return caller.role === "queen" || caller.role === "observer" || caller.subject === holder;
}

function rowOf(lease: string, { resource, holder, units, priority, since, until, renewals }: Lease) {
  return {
    lease,
    ...{ resource, holder, units, priority, since_ms: since },
    until_ms: until ?? "worker",
    renewals,
  };
}

function active(scene: At): Record<string, Json>[] {
  return [...scene.state.leases.entries()]
    .filter(([, lease]) => sees(scene, lease))
    .map(([id, lease]) => rowOf(id, lease));
}

function preemptions(scene: At): Record<string, Json>[] {
  return [...scene.state.preempted.values()]
    .filter((lease) => sees(scene, lease))
    .map((one) => ({ ...rowOf(one.lease, one), preempted_ms: one.at, reason: one.reason }));
}

function summary({ state }: At): Record<string, number> {
  const resources = new Set([...state.leases.values()].map(({ resource }) => resource));
  return { active: state.leases.size, resources: resources.size, ...state.counts.get() };
}

function rows(
  t: Build<Leases, Record<string, never>>,
  doc: string,
  of: (scene: At) => Record<string, Json>[],
): Node {
  return t.text(doc, { render: (scene) => of(scene).map(lineOf).join(""), json: (scene) => of(scene) });
}

type Told = { readonly lease: string; readonly reason?: string };

const tell =
  (what: string) =>
  ({ lease, reason }: Told, _meta: unknown, runtime: Runtime): void =>
    runtime.log(`lease ${what} lease=${lease}${reason === undefined ? "" : ` reason=${wire(reason)}`}`);

/** `/queen/lease/ctl` and `/proc/lease`: things that only so many can have at a time. */
export function leasesProvider(): Provider {
  return defineProvider<Leases>({
    name: "leases",
    doc: "Leases of things that only so many can have",
    initial,
    events,
    offers: {
      leased: ({ leases, units }): LeasedView => ({
        takenBy: (resource) => {
          const held = [...leases.values()].filter((one) => one.resource === resource);
          const used = held.reduce((sum, one) => sum + one.units, 0);
          return used < (units.get(resource) ?? 1) ? undefined : held.map(({ holder }) => holder);
        },
        has: (resource, holder) =>
          [...leases.values()].some((one) => one.resource === resource && one.holder === holder),
      }),
      "outstanding-leases": ({ leases }) => ({ counts: () => ({ leases: leases.size }) }),
    },
    tick: { next: nextEnd, decide: expire },
    notify: {
      "granted@1": (data: Told & Lease, _meta, runtime) =>
        runtime.log(
          `lease granted lease=${data.lease} resource=${wire(data.resource)} holder=${wire(data.holder)}`,
        ),
      "released@1": tell("released"),
      "expired@1": tell("expired"),
      "preempted@1": tell("preempted"),
    },
    mounts: (t) => ({
      "/queen/lease": t.dir("Leases of things that only so many can have", {
        ctl: t.control(
          "Grant, renew, release or preempt a lease; set units and quotas; one JSON object per line",
          {
            input: Command,
            undo: "compensable",
            acts: {
              grant: {
                class: "reversible",
                inverse: (_command, _at, result) => ({
                  command: { op: "release", lease: (result as { lease: string }).lease },
                }),
              },
              renew: { class: "compensable", compensation: "Release it" },
              release: { class: "compensable", compensation: "Grant another" },
              preempt: { class: "compensable", compensation: "Grant another" },
              units: {
                class: "reversible",
                inverse: (command, { state }) => {
                  const { resource } = command as { readonly resource: string };
                  return { command: { op: "units", resource, units: state.units.get(resource) ?? null } };
                },
              },
              quota: {
                class: "reversible",
                inverse: (command, { state }) => {
                  const { holder } = command as { readonly holder: string };
                  return { command: { op: "quota", holder, leases: state.quotas.get(holder) ?? null } };
                },
              },
            },
            work: ({ op }) => op === "grant",
            outcome: true,
            examples: [
              '{"op":"grant","resource":"gpu/GPU-0","holder":"worker-2","ttl_s":120,"priority":5,"preempt":true}',
              '{"op":"renew","lease":"17","ttl_s":120}',
              '{"op":"release","lease":"17"}',
              '{"op":"preempt","lease":"17","reason":"maintenance"}',
              '{"op":"units","resource":"gpu/GPU-0","units":2}',
              '{"op":"quota","holder":"worker-2","leases":1}',
            ],
            decide,
          },
        ),
      }),
      "/proc/lease": t.dir("Leases, as far as the caller may see them", {
        summary: t.text("How many there are, and how many there were", {
          render: (scene) => lineOf(summary(scene)),
          json: summary,
        }),
        active: rows(t, "Leases that run, one line each", active),
        preemptions: rows(t, "The last 64 that were taken away, and why", preemptions),
      }),
    }),
  });
}
