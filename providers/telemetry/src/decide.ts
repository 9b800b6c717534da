import { faults } from "@skep/fault";
import type { Deciding, Decision, KernelSlice } from "@skep/kernel";
import { z } from "zod";
import { fault as records } from "./records.ts";
import { type Device, emit, mimes, noDevice, segmentName, type Telemetry } from "./state.ts";
import type { Quotas } from "./store.ts";

const fault = faults("telemetry", {
  devices: ["quota", "Cannot take another device: the limit is reached", { detail: "buffer-full" }],
  segments: [
    "quota",
    "Cannot open another segment: the device has as many as it may",
    { cure: "Raise telemetry.segments, or set telemetry.when_full to evict-oldest", detail: "buffer-full" },
  ],
  unopened: ["conflict", "Cannot seal: the device has no open segment"],
});

/** One line of a device's `ctl`. */
export const Command = z
  .union([
    z.strictObject({ new: z.literal("segment"), mime: z.enum(mimes).default("text/plain") }),
    z.strictObject({ seal: z.literal("segment") }),
  ])
  .meta({ id: "TelemetryCommand" });

/** A command that was checked. */
export type TelemetryCommand = z.output<typeof Command>;

/** Views of other slices. */
export interface Uses {
  readonly kernel: KernelSlice;
}

type At = Deciding<Telemetry, Uses>;

const taking = new Set(["ONLINE", "DEGRADED", "DRAINING"]);

/** Telemetry comes in while the hive drains too, and not while it stands still. Throws `telemetry.standing`. */
export function checkTaking({ kernel }: Uses): void {
  const { state } = kernel.lifecycle.get();
  if (!taking.has(state))
    throw records.standing(state, {
      cure: "It is taken again after `skep echo resume /queen/lifecycle/ctl`",
    });
}

/** The segment that is appended to; undefined where there is none. */
export function openOf({ segments }: Device): Device["segments"][number] | undefined {
  return segments.find(({ state }) => state === "open");
}

function evictedBy({ segments }: Device, { segments: most, whenFull }: Quotas): string[] {
  const over = segments.length + 1 - most;
  if (over <= 0) return [];
  if (whenFull === "refuse") throw fault.segments(`${segments.length} of ${most}`);
  return segments.slice(0, over).map(({ id }) => id);
}

/** Decides one line of a device's `ctl`. */
export function decide(command: TelemetryCommand, at: At, quotas: Quotas): Decision {
  checkTaking(at.views);
  const device = at.params.device ?? "";
  const known = at.state.devices.get(device);
  const open = known && openOf(known);
  const seal = open && { kind: "seal", args: { device, seg: open.id } };
  if ("seal" in command) {
    if (!seal) throw fault.unopened(device);
    return { events: [emit("closed@1", { device })], effects: [seal], result: { seg_id: open.id } };
  }
  if (!known && at.state.devices.size >= quotas.devices) throw fault.devices(quotas.devices);
  const number = (known?.last ?? 0) + 1;
  const evicted = evictedBy(known ?? noDevice, quotas);
  const effects = evicted.map((seg) => ({ kind: "remove", args: { device, seg } }));
  // What goes at once needs no seal.
  const sealed = seal && !evicted.includes(open.id) ? [seal] : [];
  return {
    events: [emit("opened@1", { device, number, mime: command.mime, evicted })],
    effects: [...sealed, ...effects],
    result: { seg_id: segmentName(number), ...(evicted.length > 0 ? { evicted } : {}) },
  };
}

/** When the first seal that failed is tried again. */
export function nextRetry({ retries }: Telemetry): number | undefined {
  let first: number | undefined;
  for (const { at } of retries.values()) if (first === undefined || at < first) first = at;
  return first;
}

/** Tries again what could not be sealed: a disk that failed may be well again. */
export function retry({ state, now }: Pick<At, "state" | "now">): Decision | undefined {
  const due = [...state.retries.entries()].filter(([, { at }]) => at <= now).map(([, found]) => found);
  if (due.length === 0) return undefined;
  return {
    events: due.map(({ device, seg }) => emit("seal-retried@1", { device, seg })),
    effects: due.map(({ device, seg }) => ({ kind: "seal", args: { device, seg } })),
  };
}
