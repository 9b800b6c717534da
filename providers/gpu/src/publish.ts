import { createHash } from "node:crypto";
import { faults } from "@skep/fault";
import type { Deciding, Decision } from "@skep/kernel";
import { z } from "zod";
import type { Uses } from "./run.ts";
import { absentGpu, emit, type Gpus, mostGpus, mostModels, type Snapshot } from "./state.ts";

const fault = faults("gpu", {
  line: ["invalid", "Cannot read a line of a publication", { detail: "invalid-payload" }],
  order: [
    "conflict",
    "Cannot take this line now: a publication is `begin`, `b64:` lines, `end`",
    { detail: "invalid-payload" },
  ],
  digest: [
    "corrupt",
    "Cannot take a publication: its bytes have another length or digest",
    { detail: "invalid-payload" },
  ],
  absent: absentGpu,
  used: [
    "busy",
    "Cannot withdraw a GPU that something runs on",
    { cure: "Wait for its end, or end it: `skep gpu status`" },
  ],
  many: ["quota", "Cannot take so many GPUs or models", { detail: "buffer-full" }],
  parts: [
    "oversize",
    "Cannot take so many lines for one publication",
    { cure: "Put more into each line", detail: "buffer-full" },
  ],
});

/** Bytes of a publication at most: it is one event. */
const mostBytes = 32 * 1024;
/** Lines of one publication at most: the console's take 180 bytes each. */
const mostParts = 1024;
/** Seconds of a year: for how long GPUs may be published. */
const longest = 366 * 86_400;
const idForm = /^[\w][\w.-]{0,63}$/;

const Id = z.string().regex(idForm);
/** Names that stand beside the GPUs. */
const beside: ReadonlySet<string> = new Set(["bridge", "models", "telemetry"]);
const Lines = z.array(z.string().max(1024)).max(16);

/** One line of `/gpu/bridge/ctl`. */
export const Publish = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("begin"),
      bytes: z.int().min(1).max(mostBytes),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
    z.strictObject({ op: z.literal("part"), b64: z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/) }),
    z.strictObject({ op: z.literal("end") }),
    z.strictObject({
      op: z.literal("publish"),
      nodes: z
        .array(
          z.strictObject({
            id: Id.refine((id) => !beside.has(id), "This name is a file's beside the GPUs"),
            info: z.string().max(4096),
            lease: Lines.default([]),
            status: Lines.default([]),
          }),
        )
        .default([]),
      models: z.array(z.strictObject({ id: Id, manifest: z.string().max(8192) })).default([]),
      active: Id.nullable().default(null),
      schema: z.string().max(8192).nullable().default(null),
      /** Seconds after which its GPUs go, unless they are published again; without it they stay. */
      for_s: z.int().min(1).max(longest).optional(),
    }),
    z.strictObject({ op: z.literal("withdraw"), gpus: z.array(Id).min(1).max(64) }),
  ])
  .meta({ id: "GpuPublish" });

/** A line in the original's words, or in JSON. */
export function parsePublish(line: string): unknown {
  if (line.startsWith("b64:")) return { op: "part", b64: line.slice(4) };
  if (line === "end") return { op: "end" };
  const [, bytes, sha256] = /^begin bytes=(\d{1,9}) sha256=([0-9a-f]{64})$/.exec(line) ?? [];
  if (bytes !== undefined) return { op: "begin", bytes: Number(bytes), sha256 };
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw fault.line(undefined, { cause });
  }
}

// Each line encoded by itself, or one text cut into lines.
function decoded(parts: readonly string[]): Buffer {
  if (parts.slice(0, -1).some((part) => part.endsWith("=")))
    return Buffer.concat(parts.map((part) => Buffer.from(part, "base64")));
  return Buffer.from(parts.join(""), "base64");
}

const textOf = (value: string | undefined): string => Buffer.from(value ?? "", "base64").toString("utf8");
const linesOf = (value: string | undefined): string[] => textOf(value).split("\n").filter(Boolean);

type Mutable = { -readonly [K in keyof Snapshot]: Snapshot[K] };

function addLine(snapshot: Mutable, line: string): void {
  const [word = "", ...pairs] = line.split(" ");
  const of = new Map(
    pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const),
  );
  const id = of.get("id") ?? "";
  if (word !== "telemetry" && !idForm.test(id)) throw fault.line(word);
  if (word === "node" && beside.has(id)) throw fault.line(`node ${id}`);
  if (word === "node") {
    const [lease, status] = [linesOf(of.get("lease")), linesOf(of.get("status"))];
    snapshot.nodes = [...snapshot.nodes, { id, info: textOf(of.get("info")), lease, status }];
  } else if (word === "model")
    snapshot.models = [...snapshot.models, { id, manifest: textOf(of.get("manifest")) }];
  else if (word === "active") snapshot.active = id;
  else if (word === "telemetry") snapshot.schema = textOf(of.get("schema"));
  else throw fault.line(word);
}

/** Reads `gpu-bridge-snapshot/v1`. Throws `gpu.line`. */
function parseSnapshot(text: string): Snapshot {
  const lines = text.split("\n").filter(Boolean);
  if (lines[0] !== "schema gpu-bridge-snapshot/v1" || lines.at(-1) !== "end") throw fault.line("schema");
  const snapshot: Mutable = { nodes: [], models: [], active: null, schema: null };
  for (const line of lines.slice(1, -1)) addLine(snapshot, line);
  return snapshot;
}

type At = Pick<Deciding<Gpus, Uses>, "state" | "now" | "views">;

/** What a publication is told as. */
interface Origin {
  readonly bytes: number;
  readonly sha256: string;
  /** Seconds. */
  readonly lasts?: number | undefined;
}

function published({ state, now }: At, snapshot: Snapshot, { lasts, ...origin }: Origin): Decision {
  const { gpus, models } = state;
  const ids = snapshot.nodes.map(({ id }) => id);
  const more = ids.filter((id) => !gpus.has(id)).length;
  const others = snapshot.models.filter(({ id }) => !models.has(id)).length;
  if (gpus.size + more > mostGpus || models.size + others > mostModels) throw fault.many();
  const term = lasts === undefined ? [] : [emit("term@1", { ids, until: now + lasts * 1000 })];
  return {
    events: [emit("published@1", { snapshot, ...origin }), ...term],
    result: { gpus: ids.length, models: snapshot.models.length },
  };
}

function end(at: At): Decision {
  const { parts, bytes, sha256 } = at.state.bridge.get();
  const all = decoded(parts);
  if (all.length !== bytes || createHash("sha256").update(all).digest("hex") !== sha256)
    throw fault.digest(`${all.length} of ${bytes} bytes`);
  return published(at, parseSnapshot(all.toString("utf8")), { bytes, sha256 });
}

// A run whose lease is over ends with its GPU: nobody will tell its end.
function gone(ids: readonly string[], { state, views }: At): Decision {
  const ended = ids.flatMap((id) =>
    (state.gpus.get(id)?.runs ?? []).map(({ run }) =>
      emit("ended@1", { id, run, exit: null, manifest: views.manifest.hash() }),
    ),
  );
  return { events: [...ended, emit("gone@1", { ids })] };
}

const inUse = (id: string, { state, views }: At): boolean =>
  state.gpus.get(id)?.runs.some(({ holder }) => views.leased.has(`gpu/${id}`, holder)) === true;

function withdraw(ids: readonly string[], at: At): Decision {
  for (const id of ids) {
    if (!at.state.gpus.has(id)) throw fault.absent(id);
    if (inUse(id, at)) throw fault.used(id);
  }
  return gone(ids, at);
}

/** When the next GPU goes whose publisher does not tell of it again; undefined for never. */
export function nextGone({ until }: Gpus): number | undefined {
  let first: number | undefined;
  for (const at of until.values()) if (first === undefined || at < first) first = at;
  return first;
}

/** GPUs that one record lets go at most. */
const mostAtOnce = 64;

/** Lets those go whose publisher was silent for longer than it said; one that something runs on stays as long. */
export function expire(at: At): Decision | undefined {
  const ids = [...at.state.until.entries()]
    .filter(([id, until]) => until <= at.now && !inUse(id, at))
    .map(([id]) => id)
    .slice(0, mostAtOnce);
  return ids.length === 0 ? undefined : gone(ids, at);
}

/** Decides one line of a publication. */
export function decidePublish(command: z.output<typeof Publish>, at: At): Decision {
  const { state: stage, got, bytes, parts } = at.state.bridge.get();
  if (command.op === "withdraw") return withdraw([...new Set(command.gpus)], at);
  if (command.op === "publish") {
    const { op: _, for_s: lasts, ...snapshot } = command;
    const text = JSON.stringify(snapshot);
    const sha256 = createHash("sha256").update(text).digest("hex");
    return published(at, snapshot, { bytes: Buffer.byteLength(text), sha256, lasts });
  }
  if (command.op === "begin")
    return { events: [emit("began@1", { bytes: command.bytes, sha256: command.sha256 })] };
  if (stage !== "receiving") throw fault.order(command.op);
  if (command.op === "end") return end(at);
  // Whole bytes of it: the padding is none, and a line may end within one.
  const size = Math.floor((command.b64.replace(/=+$/, "").length * 3) / 4);
  if (got + size > bytes) throw fault.digest(`over ${bytes} bytes`);
  if (parts.length >= mostParts) throw fault.parts(`${mostParts} lines`);
  return { events: [emit("part@1", { part: command.b64, bytes: size })] };
}
