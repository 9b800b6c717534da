import { emitter, type Scope, type Table } from "@skep/kernel";

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

/** The slice. Bound: the limit of devices. */
export interface Telemetry {
  readonly devices: Table<Device>;
}

/** Sources of a device that are remembered; the one that is longest silent goes first. */
export const mostSources = 64;

/** The slice of an empty journal. */
export const initial = (scope: Scope): Telemetry => ({ devices: scope.table("devices") });

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
  "opened@1": (slice: Telemetry, data: Opened) =>
    change(slice, data.device, (device) => opened(device, data)),
  "closed@1": (slice: Telemetry, { device: id }: { device: string }) => change(slice, id, closing),
  "sealed@1": (
    slice: Telemetry,
    { device: id, seg, sources, ...found }: { device: string; seg: string } & Sealed,
    { seq }: { readonly seq: number },
  ) =>
    change(slice, id, (device) => ({
      ...device,
      sources: merged(device.sources, sources),
      segments: device.segments.map((one) =>
        one.id === seg ? { ...one, ...found, state: "sealed", anchor: seq } : one,
      ),
    })),
} as const;

/** Makes events of telemetry. */
export const emit = emitter(events);
