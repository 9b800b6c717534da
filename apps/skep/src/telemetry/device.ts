import { Fault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { envelopeSchema } from "@skep/provider-telemetry";
import { appendLine } from "../client/control.ts";

/** A segment as `latest.json` tells of it. */
export interface RemoteSegment {
  readonly id: string;
  readonly mime: string;
  readonly state: "open" | "sealing" | "sealed";
  readonly bytes: number;
  readonly records: number;
  readonly digest: string;
  readonly anchor: number;
}

/** A device as `latest.json` tells of it. */
export interface RemoteDevice {
  readonly seg_id: string | null;
  readonly evicted_records: number;
  readonly sources: Readonly<Record<string, number>>;
  readonly segments: readonly RemoteSegment[];
}

/** A record with the number that its source gave it. */
export interface Numbered {
  readonly seq: number;
  readonly mime: string;
  readonly payload: string;
}

/** Segments in a row in which a push found no room at all. */
const mostTurns = 32;
/** Bytes of lines that one append carries at most. */
const batchBytes = 32 * 1024;

/** Where the files of a device lie. */
export function devicePath(device: string, ...below: readonly string[]): string {
  return ["/queen/telemetry", device, ...below].join("/");
}

/** What the hive has of a device; nothing of one that is new. */
export async function deviceOf(client: Client, device: string, signal?: AbortSignal): Promise<RemoteDevice> {
  const bytes = await client.readAll(devicePath(device, "latest.json"), { signal });
  return JSON.parse(bytes.toString("utf8")) as RemoteDevice;
}

/** Devices whose next segment is being opened by this process: who waits finds it open. */
const opening = new Map<string, Promise<unknown>>();

/** The segment to go on with, which is not `full`: one that is open by now, or a new one. */
async function nextSegment(
  client: Client,
  device: string,
  full: string | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const before = opening.get(device) ?? Promise.resolve();
  const mine = before.then(async () => {
    const { segments } = await deviceOf(client, device, signal);
    return openOf(segments, full) ?? (await openSegment(client, device, signal));
  });
  opening.set(
    device,
    mine.catch(() => undefined),
  );
  return mine;
}

function openOf(segments: readonly RemoteSegment[], full: string | undefined): string | undefined {
  return segments.find(({ id, state, mime }) => state === "open" && mime === "text/plain" && id !== full)?.id;
}

async function openSegment(client: Client, device: string, signal?: AbortSignal): Promise<string> {
  const line = JSON.stringify({ new: "segment", mime: "text/plain" });
  const { result } = await appendLine(client, devicePath(device, "ctl"), line, signal);
  return String((result as { readonly seg_id: string }).seg_id);
}

function* batches(records: readonly Numbered[], source: string): Generator<string> {
  let batch = "";
  for (const { seq, mime, payload } of records) {
    const line = `${JSON.stringify({ schema: envelopeSchema, seq, mime, payload, source })}\n`;
    if (batch !== "" && batch.length + line.length > batchBytes) {
      yield batch;
      batch = "";
    }
    batch += line;
  }
  if (batch !== "") yield batch;
}

const noMore: ReadonlySet<string> = new Set(["telemetry.full", "telemetry.sealed", "telemetry.broken"]);

/** Gives the refusal of a segment that takes no more; every other one is thrown. */
async function appendAll(
  client: Client,
  path: string,
  lines: Iterable<string>,
  signal?: AbortSignal,
): Promise<Fault | undefined> {
  try {
    for (const batch of lines) await client.append(path, batch, { signal });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Fault && noMore.has(thrown.code)) return thrown;
    throw thrown;
  }
}

/**
 * Appends records that the hive does not have yet, in as many segments as they need; those that it has are left out.
 * Done again after any interruption it goes on where the hive is. Gives how many were new.
 */
export async function pushRecords(
  client: Client,
  device: string,
  source: string,
  records: readonly Numbered[],
  signal?: AbortSignal,
): Promise<number> {
  let known = await deviceOf(client, device, signal);
  const first = known.sources[source] ?? 0;
  let full: string | undefined;
  for (let without = 0; ; ) {
    const had = known.sources[source] ?? 0;
    const left = records.filter(({ seq }) => seq > had);
    if (left.length === 0) return records.filter(({ seq }) => seq > first).length;
    const id = openOf(known.segments, full) ?? (await nextSegment(client, device, full, signal));
    const refused = await appendAll(client, devicePath(device, "seg", id), batches(left, source), signal);
    known = await deviceOf(client, device, signal);
    full = refused ? id : undefined;
    without = (known.sources[source] ?? 0) === had ? without + 1 : 0;
    // Others may fill what was opened; what never finds room fits none.
    if (refused && without >= mostTurns) throw refused;
  }
}
