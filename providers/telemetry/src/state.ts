import { emitter, type Scope, type Table } from "@skep/kernel";
import { exportEvents, type Exports, initialExports } from "./export-state.ts";

/** What a record is, and how one ends where the next begins. */
export const mimes = ["text/plain", "application/json", "application/cbor"] as const;

/** One segment of a device. */
export type Segment = {
  /** `seg-000001` and so on, never used again. */
  readonly id: string;
  readonly mime: (typeof mimes)[number];
  /** Only an open one is appended to; one that seals waits for its digest. */
  readonly state: "open" | "sealing" | "sealed";
  readonly bytes: number;
  readonly records: number;
  /** SHA-256 of its bytes; empty before it is sealed. */
  readonly digest: string;
  /** Sequence of the record that anchors the digest; 0 before. */
  readonly anchor: number;
};

/** One device. Bound: segments by quota, sources by `mostSources`. */
export type Device = {
  readonly last: number;
  readonly segments: readonly Segment[];
  /** The newest number of each source in sealed segments: what comes again is known by it. */
  readonly sources: Readonly<Record<string, number>>;
  /** Records that went with evicted segments. */
  readonly evicted: number;
};

/** When a segment that could not be sealed is tried again. */
export type Retry = {
  readonly device: string;
  readonly seg: string;
  /** Hive time, milliseconds since 1970. */
  readonly at: number;
  readonly tries: number;
};

const firstRetry = 5_000;
const longestRetry = 10 * 60_000;

/** The slice. Bound: the limit of devices. */
export interface Telemetry extends Exports {
  readonly devices: Table<Device>;
  /** Segments whose sealing failed, by device and name. */
  readonly retries: Table<Retry>;
}

/** Sources of a device that are remembered; the one that is longest silent goes first. */
export const mostSources = 64;

/** The slice of an empty journal. */
export const initial = (scope: Scope): Telemetry => ({
  devices: scope.table("devices"),
  retries: scope.table("retries"),
  ...initialExports(scope),
});

/** A device that nothing is known of. */
export const noDevice: Device = { last: 0, segments: [], sources: {}, evicted: 0 };

/** The name that the system gives. */
export function segmentName(number: number): string {
  return `seg-${String(number).padStart(6, "0")}`;
}

/** What sealing found. */
export type Sealed = {
  readonly bytes: number;
  readonly records: number;
  readonly digest: string;
  readonly sources: Readonly<Record<string, number>>;
};

type Opened = {
  readonly device: string;
  readonly number: number;
  readonly mime: Segment["mime"];
  readonly evicted: readonly string[];
};

function change(slice: Telemetry, id: string, act: (device: Device) => Device): void {
  slice.devices.set(id, act(slice.devices.get(id) ?? noDevice));
}

function closing(device: Device): Device {
  return {
    ...device,
    segments: device.segments.map((one) => (one.state === "open" ? { ...one, state: "sealing" } : one)),
  };
}

function opened(device: Device, { number, mime, evicted }: Opened): Device {
  const before = closing(device);
  const gone = before.segments.filter(({ id }) => evicted.includes(id));
  const made: Segment = {
    id: segmentName(number),
    mime,
    state: "open",
    bytes: 0,
    records: 0,
    digest: "",
    anchor: 0,
  };
  return {
    ...before,
    last: number,
    segments: [...before.segments.filter((one) => !gone.includes(one)), made],
    evicted: before.evicted + gone.reduce((sum, { records }) => sum + records, 0),
  };
}

// Set again at the end, so that the order of names is that of their last word.
function merged(before: Device["sources"], more: Device["sources"]): Device["sources"] {
  const all = new Map(Object.entries(before));
  for (const [source, seq] of Object.entries(more)) {
    const known = all.get(source) ?? 0;
    all.delete(source);
    all.set(source, Math.max(known, seq));
  }
  return Object.fromEntries([...all].slice(-mostSources));
}

/** How events fold. */
export const events = {
  ...exportEvents,
  "opened@1": (slice: Telemetry, data: Opened) => {
    for (const seg of data.evicted) slice.retries.delete(`${data.device}/${seg}`);
    change(slice, data.device, (device) => opened(device, data));
  },
  "seal-failed@1": (
    { retries }: Telemetry,
    { device, seg }: { device: string; seg: string },
    { time }: { readonly time: number },
  ) => {
    const tries = (retries.get(`${device}/${seg}`)?.tries ?? 0) + 1;
    const at = time + Math.min(firstRetry * 2 ** (tries - 1), longestRetry);
    retries.set(`${device}/${seg}`, { device, seg, at, tries });
  },
  // Due again only once it has failed again.
  "seal-retried@1": ({ retries }: Telemetry, { device, seg }: { device: string; seg: string }) => {
    const known = retries.get(`${device}/${seg}`);
    if (known) retries.set(`${device}/${seg}`, { ...known, at: Number.MAX_SAFE_INTEGER });
  },
  "closed@1": (slice: Telemetry, { device: id }: { device: string }) => change(slice, id, closing),
  "sealed@1": (
    slice: Telemetry,
    { device: id, seg, sources, ...found }: { device: string; seg: string } & Sealed,
    { seq }: { readonly seq: number },
  ) => {
    slice.retries.delete(`${id}/${seg}`);
    change(slice, id, (device) => ({
      ...device,
      sources: merged(device.sources, sources),
      segments: device.segments.map((one) =>
        one.id === seg ? { ...one, ...found, state: "sealed", anchor: seq } : one,
      ),
    }));
  },
} as const;

/** Makes events of telemetry. */
export const emit = emitter(events);
