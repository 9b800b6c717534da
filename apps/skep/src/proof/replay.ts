import { decodeRecord, type Difference, type JournalRecord, Replay, type ReplayOptions } from "@skep/kernel";

/** The first record that came to something else than what stands in the log. */
export interface Parted extends Difference {
  readonly seq: number;
  readonly path: string;
  readonly subject: string;
}

/** What a replay came to. */
export interface ReplayReport {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** Records that were judged again and came to the same, byte for byte. */
  readonly same: number;
  /** Records that were taken as they are, by reason. */
  readonly taken: Readonly<Record<string, number>>;
  readonly difference?: Parted;
  /** Controls of people in the range, and FNV-1a-64 over `OK` or `ERR <code>` of each, one per line. */
  readonly entries: number;
  readonly sequence: string;
  /** Digest of the state after the range; of the state before the difference where there is one. */
  readonly state: string;
}

/** Bytes of the records from `from` to `to` (exclusive), each time it is called. */
export type ReadRecords = (from: number, to: number) => AsyncIterable<Uint8Array>;

const basis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;
const mask = 0xffffffffffffffffn;

/** FNV-1a-64, over lines. */
export class Sequence {
  #hash = basis;
  #entries = 0;

  get entries(): number {
    return this.#entries;
  }

  get hex(): string {
    return this.#hash.toString(16).padStart(16, "0");
  }

  add(line: string): void {
    this.#entries += 1;
    for (const byte of Buffer.from(`${line}\n`)) this.#hash = ((this.#hash ^ BigInt(byte)) * prime) & mask;
  }
}

/** What the original counts: controls of the queen and of hosts, one line for each as its client was told. */
function toldLine({ path, role, verdict }: JournalRecord): string | undefined {
  if (role === undefined || !(path === "/queen/ctl" || path.startsWith("/host/"))) return undefined;
  return verdict.ok ? "OK" : `ERR ${verdict.code ?? ""}`;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Refusals of the range by the sequence at which they were judged: their records come up to seconds later. */
async function refusalsOf(read: ReadRecords, { from, to }: Range): Promise<Map<number, JournalRecord[]>> {
  const found = new Map<number, JournalRecord[]>();
  for await (const bytes of read(from, to)) {
    const record = decodeRecord(bytes);
    if (record.verdict.count === undefined) continue;
    const at = record.judged?.seq ?? record.seq;
    if (at < from) continue;
    const known = found.get(at);
    if (known) known.push(record);
    else found.set(at, [record]);
  }
  return found;
}

class Run {
  readonly #replay: Replay;
  readonly #taken = new Map<string, number>();
  readonly #sequence = new Sequence();
  #same = 0;
  difference: Parted | undefined;

  constructor(options: ReplayOptions) {
    this.#replay = new Replay(options);
  }

  skip(record: JournalRecord): void {
    this.#replay.skip(record);
  }

  step(record: JournalRecord): void {
    this.#told(record, this.#replay.step(record));
    const line = toldLine(record);
    if (line !== undefined) this.#sequence.add(line);
  }

  refusal(record: JournalRecord): void {
    this.#told(record, this.#replay.refusal(record));
  }

  #told({ seq, path, subject }: JournalRecord, told: ReturnType<Replay["step"]>): void {
    if (told.kind === "same") this.#same += 1;
    else if (told.kind === "taken") this.#taken.set(told.why, (this.#taken.get(told.why) ?? 0) + 1);
    else {
      const { what, own, stored } = told;
      this.difference ??= { seq, path, subject, what, own, stored };
    }
  }

  report({ from, to }: Range): ReplayReport {
    const { entries, hex } = this.#sequence;
    return {
      from,
      to,
      same: this.#same,
      taken: Object.fromEntries([...this.#taken].sort()),
      ...(this.difference && { difference: this.difference }),
      entries,
      sequence: hex,
      state: this.#replay.digest(),
    };
  }
}

/**
 * Judges the records of a range again on a fresh state, which is folded from those before it; ends at the first that
 * comes to something else. `step` hears how many records are done.
 */
export async function replayLog(
  read: ReadRecords,
  range: Range,
  options: ReplayOptions,
  step: (done: number) => void = () => undefined,
): Promise<ReplayReport> {
  const run = new Run(options);
  const refusals = await refusalsOf(read, range);
  let seq = 0;
  for await (const bytes of read(0, range.to)) {
    const record = decodeRecord(bytes);
    if (record.seq < range.from) run.skip(record);
    else {
      for (const refusal of refusals.get(record.seq) ?? []) run.refusal(refusal);
      if (!run.difference) run.step(record);
    }
    if (run.difference) break;
    seq += 1;
    step(seq);
  }
  return run.report(range);
}
