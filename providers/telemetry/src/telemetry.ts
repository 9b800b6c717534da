import type { Clock } from "@skep/clock";
import {
  type Build,
  type Decision,
  defineProvider,
  type Files,
  type Json,
  type Node,
  type Provider,
  type Scene,
} from "@skep/kernel";
import { Command, checkTaking, decide, nextRetry, openOf, retry, type Uses } from "./decide.ts";
import { dropExport, exportNodes, makeExport } from "./export-nodes.ts";
import { type Copied, emitExport } from "./export-state.ts";
import { Figures } from "./figures.ts";
import {
  type Device,
  emit,
  events,
  initial,
  noDevice,
  type Sealed,
  type Segment,
  type Telemetry,
} from "./state.ts";
import { type Quotas, Store } from "./store.ts";

/** What the app passes in. */
export interface TelemetryDeps {
  /** Where the bytes of segments lie, below `telemetry/`. */
  readonly files: Files;
  readonly clock: Pick<Clock, "monotonic">;
  readonly quotas: Quotas;
  /** Shared with the rings of workers; its own where they are not there. */
  readonly figures?: Figures;
  /** Refusals for the reason policy since the start. */
  denies(): number;
}

type At = Scene<Telemetry, Uses>;

const deviceForm = /^[A-Za-z0-9][\w.-]{0,63}$/;
const noSegment: Segment = {
  id: "",
  mime: "text/plain",
  state: "sealed",
  bytes: 0,
  records: 0,
  digest: "",
  anchor: 0,
};

function deviceOf({ state, params }: Pick<At, "state" | "params">): Device {
  return state.devices.get(params.device ?? "") ?? noDevice;
}

function segmentOf(scene: At): Segment {
  return deviceOf(scene).segments.find(({ id }) => id === scene.params.seg) ?? noSegment;
}

const pathOf = (device: string, seg: string): string => `/queen/telemetry/${device}/seg/${seg}`;

async function latestJson(scene: At, store: Store): Promise<Json> {
  const device = deviceOf(scene);
  const newest = device.segments.at(-1);
  const fresh = await store.sources(scene.params.device ?? "", openOf(device));
  return {
    seg_id: newest?.id ?? null,
    evicted_records: device.evicted,
    sources: { ...device.sources, ...fresh },
    segments: device.segments.map((one) => ({ ...one })),
  };
}

function deviceNodes(t: Build<Telemetry, Uses>, store: Store, deps: TelemetryDeps, figures: Figures): Node {
  return t.dir("One device", {
    ctl: t.control("Open a new segment, which the system names, or seal the open one", {
      input: Command,
      undo: "compensable",
      act: (command) => ("new" in command ? "new" : "seal"),
      acts: {
        new: { class: "compensable", compensation: "Nothing: an empty segment takes no room" },
        seal: { class: "compensable", compensation: "Open another" },
      },
      // What drains and what fills the disk is told about too.
      outcome: true,
      examples: ['{"new":"segment","mime":"text/plain"}', '{"seal":"segment"}'],
      decide: (command, at) => decide(command, at, deps.quotas),
    }),
    latest: t.text(
      "Name of the newest segment; its JSON twin tells of all, and how far each source has come",
      {
        render: (scene) => {
          const newest = deviceOf(scene).segments.at(-1);
          return newest ? `${newest.id}\n` : "";
        },
        json: (scene) => latestJson(scene, store),
      },
    ),
    seg: t.each(
      "Segments, the oldest first",
      "seg",
      {
        list: (scene) => deviceOf(scene).segments.map(({ id }) => id),
        has: (name, scene) => deviceOf(scene).segments.some(({ id }) => id === name),
      },
      t.stream("Records of one segment: lines, or CBOR items one after the other", {
        source: (scene) => store.source(scene.params.device ?? "", segmentOf(scene)),
        append: async (bytes, scene) => {
          checkTaking(scene.views);
          const { device = "" } = scene.params;
          const taken = await store.append(device, deviceOf(scene), segmentOf(scene), bytes);
          figures.watched(scene);
          return taken;
        },
      }),
    ),
  });
}

function evictedOf({ devices }: Telemetry): number {
  let sum = 0;
  for (const { evicted } of devices.values()) sum += evicted;
  return sum;
}

function ingest(t: Build<Telemetry, Uses>, figures: Figures): Node {
  const count = (doc: string, name: string, of: () => number): Node =>
    t.text(doc, {
      render: () => {
        figures.reads += 1;
        return `${name}=${of()}\n`;
      },
      json: () => ({ [name]: of() }),
      cbor: true,
    });
  return t.dir("How telemetry comes in, since the start", {
    p50_ms: count("Half of the appends were durable within, milliseconds", "p50_ms", () => figures.times.p50),
    p95_ms: count("Nearly all were durable within, milliseconds", "p95_ms", () => figures.times.p95),
    backpressure: count("Appends that were refused", "backpressure", () => figures.backpressure),
    dropped: count("Records that went to make room", "dropped", () => figures.lost),
    queued: count("Records that wait for the disk", "queued", () => figures.queued),
    watch: t.stream(
      "One line of figures whenever something came in, or somebody looks; at most one in 50 ms",
      {
        source: (scene) => {
          figures.reads += 1;
          return figures.watched(scene);
        },
      },
    ),
  });
}

interface Outcome {
  readonly ok?: Copied | null;
  readonly failed?: { readonly message: string };
}

function exported({ id }: { readonly id: string }, { ok, failed }: Outcome): Decision {
  if (ok) return { events: [emitExport("export-made@1", { id, ...ok })] };
  if (ok === null) return { events: [] };
  return { events: [emitExport("export-failed@1", { id, reason: failed?.message ?? "" })] };
}

/** `/queen/telemetry`, `/queen/export` and `/proc/ingest`: what devices tell, in segments that are sealed into the journal. */
export function telemetryProvider(deps: TelemetryDeps): Provider {
  const figures = deps.figures ?? new Figures(deps.clock);
  figures.denies = deps.denies;
  const store = new Store(deps.files, deps.quotas, figures);
  let present: Telemetry | undefined;
  return defineProvider<Telemetry, Uses>({
    name: "telemetry",
    doc: "Telemetry of devices in segments",
    uses: ["kernel"],
    journalled: false,
    initial,
    events,
    opened: (state) => {
      present = state;
      figures.evicted = () => evictedOf(state);
    },
    closed: () => store.close(),
    effects: {
      seal: {
        recover: "retry",
        run: async ({ device, seg }: { device: string; seg: string }) => {
          const found = present?.devices.get(device)?.segments.find(({ id }) => id === seg);
          return found ? store.seal(device, { ...found, state: "sealing" }) : null;
        },
      },
      remove: {
        recover: "retry",
        run: async ({ device, seg }: { device: string; seg: string }) => {
          await store.remove(device, seg);
          return null;
        },
      },
      export: {
        recover: "retry",
        run: async ({ id }: { id: string }) =>
          present && ((await makeExport(present, store, deps.files, id)) ?? null),
      },
      unexport: {
        recover: "retry",
        run: async ({ id }: { id: string }) => {
          await dropExport(deps.files, id);
          return null;
        },
      },
    },
    outcome: (kind, args, result) => {
      if (kind === "export") return exported(args as { id: string }, result as Outcome);
      const { device, seg } = args as { device: string; seg: string };
      const sealed = kind === "seal" ? (result as { readonly ok?: Sealed | null }).ok : null;
      if (sealed === undefined) return { events: [emit("seal-failed@1", { device, seg })] };
      return { events: sealed ? [emit("sealed@1", { device, seg, ...sealed })] : [] };
    },
    tick: { next: nextRetry, decide: retry },
    notify: {
      "seal-failed@1": ({ device, seg }: { device: string; seg: string }, _meta, runtime) =>
        runtime.log(`telemetry segment not sealed device=${device} seg=${seg}: it is tried again`),
      "opened@1": ({ device, evicted }: { device: string; evicted: readonly string[] }, _meta, runtime) => {
        for (const seg of evicted) {
          runtime.log(`telemetry segment evicted device=${device} seg=${seg}`);
        }
      },
      "sealed@1": ({ device, seg, ...told }: { device: string; seg: string } & Sealed, _meta, runtime) =>
        runtime.log(
          `telemetry segment sealed device=${device} seg=${seg} bytes=${told.bytes} sha256=${told.digest}`,
        ),
    },
    touches: {
      "export-made@1": ({ id }: { id: string }) => `/queen/export/lora_jobs/${id}`,
      "sealed@1": ({ device, seg }: { device: string; seg: string }) => pathOf(device, seg),
      "opened@1": ({ device }: { device: string }) => `/queen/telemetry/${device}`,
    },
    mounts: (t) => ({
      "/queen/telemetry": t.each(
        "Devices that tell of themselves; one begins with its first segment",
        "device",
        {
          list: ({ state, caller }) =>
            [...state.devices.keys()].filter((id) => caller.reaches(`/queen/telemetry/${id}`)),
          has: (name) => deviceForm.test(name),
        },
        deviceNodes(t, store, deps, figures),
      ),
      "/queen/export": exportNodes(t, deps.files),
      "/proc/ingest": ingest(t, figures),
    }),
  });
}
