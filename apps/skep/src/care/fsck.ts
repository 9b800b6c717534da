import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Fault, toFault } from "@skep/fault";
import { Journal, type JournalRecord, type Pointer, readPointer, type Row, Slices } from "@skep/kernel";
import { openFiles } from "@skep/storage";
import { formatBytes } from "@skep/text";
import { foldedMounts } from "../hive/folded.ts";
import { missingKeyCure, missingKeys } from "../hive/keys.ts";
import { places } from "../hive/storage.ts";
import { notAtStart } from "../proof/damage.ts";
import { Walk } from "../proof/verify.ts";
import { version } from "../version.ts";
import { checkBlobs } from "./blobs.ts";
import { bad, counted, type Finding, note, ok, warning } from "./finding.ts";

const restore =
  "Put the bytes back where you have them, or make a new home of a backup: `skep restore FILE --home NEW`";

/** Told how much of a part is done. */
export type Step = (label: string, done: number, total: number | undefined) => void;

interface Home {
  readonly home: string;
  readonly files: ReturnType<typeof openFiles>;
  readonly step: Step;
  readonly repair: boolean;
}

// The journal speaks to who starts a hive; here nothing is started.
const causeOf = (fault: Fault): string => {
  const message = notAtStart(fault).message;
  return fault.cause === undefined ? message : `${message} (${String(fault.cause)})`;
};

/** What the records themselves say about a snapshot, gathered while they are walked. */
interface Folded {
  readonly roots: ReadonlyMap<number, string>;
  readonly named: ReadonlyMap<number, { readonly digest: string; readonly root: string }>;
  /** Digest of the state as of the snapshot that counts. */
  readonly digest: string | undefined;
  readonly code: string;
}

function* snapshotsIn({ events }: JournalRecord): Generator<{ seq: number; digest: string; root: string }> {
  for (const { t, d } of events)
    if (t === "kernel:snapshot@1") yield d as { seq: number; digest: string; root: string };
}

class Fold {
  readonly slices: Slices;
  readonly #at: number | undefined;
  readonly #findings: Finding[];
  digest: string | undefined;
  #stopped = false;

  constructor(home: string, journal: Journal, pointer: Pointer | undefined, findings: Finding[]) {
    this.slices = new Slices(foldedMounts(home, journal), version);
    this.#at = pointer?.seq;
    this.#findings = findings;
  }

  /** Folds one record; the state before it is that of a snapshot of its sequence. */
  add(record: JournalRecord): void {
    this.mark(record.seq);
    if (this.#stopped) return;
    try {
      this.slices.apply(record);
    } catch (thrown) {
      this.#stopped = true;
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      const cure = "Use the skep that wrote it, or a newer one";
      this.#findings.push(bad("state", `record ${record.seq} cannot be folded: ${why}`, cure));
    }
  }

  mark(seq: number): void {
    if (seq === this.#at && !this.#stopped) this.digest = this.slices.state.digest();
  }
}

async function walkRecords(
  { home, step }: Home,
  journal: Journal,
  pointer: Pointer | undefined,
  findings: Finding[],
): Promise<Folded> {
  const fold = new Fold(home, journal, pointer, findings);
  const walk = new Walk();
  const roots = new Map<number, string>();
  const named = new Map<number, { digest: string; root: string }>();
  const total = journal.segments.records;
  // Roots are wanted at the sequences of snapshots only, and those are named later than they are passed.
  const wanted = new Set<number>(pointer ? [pointer.seq] : []);
  const hex = (): string => Buffer.from(walk.root).toString("hex");
  for (let at = 0; at < total; ) {
    for (const bytes of await journal.segments.read(at, Math.min(1024, total - at))) {
      if (wanted.has(at)) roots.set(at, hex());
      const record = walk.add(bytes);
      for (const { seq, digest, root } of snapshotsIn(record)) named.set(seq, { digest, root });
      fold.add(record);
      at += 1;
    }
    step("Records", at, total);
  }
  if (wanted.has(total)) roots.set(total, hex());
  fold.mark(total);
  findings.push(ok("records", `${counted(total, "record")}, root ${hex()}`));
  return { roots, named, digest: fold.digest, code: fold.slices.code };
}

const torn = (cut: number): Finding =>
  warning(
    "journal",
    `${cut} bytes of a record that is not whole at the end; they may hold an acknowledged record if the daemon did not crash`,
    "After a crash this is a torn write, and `skep up` cuts it off; else put the bytes back, or restore a backup first",
  );

/** Snapshot and index come only after what they tell of is durable: so many records must be there. */
function checkEnd(home: string, records: number, pointer: Pointer | undefined): Finding | undefined {
  const least = Math.max(indexedUpTo(home), pointer ? pointer.record + 1 : 0);
  if (records >= least) return undefined;
  return bad("journal", `its end is missing: ${records} of at least ${least} records`, restore);
}

async function checkJournal(home: Home, findings: Finding[]): Promise<void> {
  let journal: Journal;
  try {
    journal = await Journal.openToRead(home.files);
  } catch (thrown) {
    findings.push(bad("journal", causeOf(toFault(thrown)), restore));
    return;
  }
  const { segments, opened } = journal;
  findings.push(
    ok("journal", `${counted(segments.names.length, "segment")}, ${formatBytes(segments.bytes)}`),
  );
  if (opened.cut > 0) findings.push(torn(opened.cut));
  const pointer = await readPointer(home.files);
  const lost = checkEnd(home.home, segments.records, pointer);
  if (lost) findings.push(lost);
  try {
    const folded = await walkRecords(home, journal, pointer, findings);
    findings.push(await checkSnapshot(home, pointer, folded));
  } catch (thrown) {
    findings.push(bad("records", causeOf(toFault(thrown)), restore));
  }
}

async function digestOfRows({ home, files }: Home, { file }: Pointer): Promise<string> {
  const slices = new Slices(foldedMounts(home, undefined), version);
  const size = (await files.size(file)) ?? 0;
  const text = Buffer.from(await files.read(file, 0, size)).toString();
  for (const line of text.split("\n")) if (line !== "") slices.state.load(JSON.parse(line) as Row);
  return slices.state.digest();
}

const rebuilt = "Remove the directory hive/snapshot of the home; the state is folded from the journal";

async function checkSnapshot(home: Home, pointer: Pointer | undefined, folded: Folded): Promise<Finding> {
  if (!pointer) return note("snapshot", "none; the state is folded from the journal at each start");
  if (pointer.code !== folded.code)
    return note("snapshot", "made by another version; it is ignored at the next start");
  const recorded = folded.named.get(pointer.seq);
  const root = folded.roots.get(pointer.seq);
  if (!recorded || recorded.digest !== pointer.digest)
    return note("snapshot", "the journal does not name it; it is ignored at the next start");
  if (recorded.root !== root)
    return bad(
      "snapshot",
      `the first ${pointer.seq} records do not have the root that was recorded`,
      restore,
    );
  if (folded.digest !== pointer.digest)
    return bad("snapshot", `it is not the state after ${pointer.seq} records`, rebuilt);
  try {
    if ((await digestOfRows(home, pointer)) !== pointer.digest)
      return bad("snapshot", `${pointer.file} does not have its digest`, rebuilt);
  } catch (thrown) {
    return bad("snapshot", `${pointer.file} cannot be read: ${causeOf(toFault(thrown))}`, rebuilt);
  }
  return ok("snapshot", `state after ${counted(pointer.seq, "record")}, digest ${pointer.digest}`);
}

/** Below which sequence the index has taken records in; 0 where it says nothing. */
function indexedUpTo(home: string): number {
  try {
    using database = new DatabaseSync(places.index(home), { readOnly: true });
    const row = database.prepare("SELECT up_to FROM progress").get();
    return typeof row?.up_to === "number" ? row.up_to : 0;
  } catch {
    return 0;
  }
}

function checkIndex(home: string): Finding {
  const path = places.index(home);
  const cure = "Remove index.sqlite* in the home; it is made again from the journal";
  if (!existsSync(path)) return note("index", "none; it is made at the next start");
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    const told = database.prepare("PRAGMA integrity_check").get() as { integrity_check?: string } | undefined;
    if (told?.integrity_check === "ok") return ok("index", "whole");
    return bad("index", `damaged: ${told?.integrity_check}`, cure);
  } catch (thrown) {
    return bad("index", `damaged: ${thrown instanceof Error ? thrown.message : String(thrown)}`, cure);
  }
}

async function checkKeys(home: string): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const name of ["identity", "ticket", "log"]) {
    const bytes = await readFile(join(home, "keys", name)).catch(() => undefined);
    if (bytes && bytes.length !== 32)
      found.push(
        bad("keys", `keys/${name} has ${bytes.length} bytes, not 32`, missingKeyCure(home, `keys/${name}`)),
      );
  }
  for (const name of missingKeys(home))
    found.push(bad("keys", `${name} is not there`, missingKeyCure(home, name)));
  return found.length > 0 ? found : [ok("keys", "identity, ticket, log")];
}

/**
 * Examines a home whose lock is held. Nothing in it is changed, but that `repair` moves damaged blobs into `damaged/`.
 * Its findings come in a fixed order.
 */
export async function fsck(home: string, step: Step, repair = false): Promise<readonly Finding[]> {
  const findings: Finding[] = [...(await checkKeys(home))];
  const place: Home = { home, files: openFiles(places.files(home)), step, repair };
  await checkJournal(place, findings);
  findings.push(...(await checkBlobs(place)));
  findings.push(checkIndex(home));
  return findings;
}
