import { type EvidenceRecord, type Json, objectOf } from "./record.ts";

/** Something that cannot have come about by the rules, or that nobody explains. */
export interface Finding {
  readonly seq: number;
  readonly rule: string;
  readonly text: string;
}

type Data = { readonly [name: string]: Json | undefined };
const textOf = (data: Data, name: string): string => (typeof data[name] === "string" ? data[name] : "");

/** Correlates records one after the other: jobs with workers, effects with outcomes, approvals with what they let through. */
class Inspector {
  readonly findings: Finding[] = [];
  /** Whether the first record of all was seen: only then something is known to be missing. */
  readonly #whole: boolean;
  readonly #jobs = new Map<string, { worker: string; ended: boolean }>();
  readonly #present = new Set<string>();
  readonly #effects = new Set<string>();
  readonly #actions = new Map<string, { by: string; ended: boolean; approvals: number; digest: string }>();
  readonly #nonces = new Map<string, number>();
  readonly #receipts = new Map<string, string>();
  #seq = -1;
  #time = 0;
  #epoch = 0;

  constructor(whole: boolean) {
    this.#whole = whole;
  }

  #find(record: EvidenceRecord, rule: string, text: string): void {
    this.findings.push({ seq: record.seq, rule, text });
  }

  add(record: EvidenceRecord): void {
    this.#order(record);
    this.#outcome(record);
    if (!record.verdict.ok && record.verdict.kind !== "waiting" && record.events.length > 0)
      this.#find(record, "refused-changed", "a refusal changed state");
    for (const { t, d } of record.events) {
      const act = this.#acts[t.replace(/@\d+$/, "")];
      const data = objectOf(d);
      if (act && data) act(data, record);
    }
    for (const { id } of record.effects) this.#effects.add(id);
  }

  #order(record: EvidenceRecord): void {
    const { seq, time, epoch } = record;
    if (this.#seq >= 0 && seq !== this.#seq + 1) this.#find(record, "gap", `after record ${this.#seq}`);
    if (time < this.#time) this.#find(record, "time-back", `${this.#time - time} ms`);
    if (epoch < this.#epoch) this.#find(record, "epoch-back", `${epoch} after ${this.#epoch}`);
    this.#seq = seq;
    this.#time = time;
    this.#epoch = epoch;
  }

  #outcome(record: EvidenceRecord): void {
    const { outcome } = record;
    if (outcome === undefined) return;
    const early = Number(outcome.split(".")[0]) >= record.seq;
    if (early || (this.#whole && !this.#effects.has(outcome)))
      this.#find(record, "outcome-without-effect", `effect ${outcome}`);
    this.#effects.delete(outcome);
  }

  readonly #acts: Readonly<Record<string, (data: Data, record: EvidenceRecord) => void>> = {
    "kernel:started": () => this.#present.clear(),
    "workers:joined": (data) => this.#present.add(textOf(data, "worker")),
    "workers:left": (data) => this.#present.delete(textOf(data, "worker")),
    "jobs:submitted": (data) => this.#jobs.set(textOf(data, "job"), { worker: "", ended: false }),
    "jobs:arrayed": (data, record) => this.#arrayed(data, record),
    "jobs:leased": (data, record) => this.#leased(data, record),
    "jobs:ended": (data, record) => this.#ended(data, record),
    "policy:asked": (data, record) => this.#asked(data, record),
    "policy:approved": (data, record) => this.#approved(data, record),
    "policy:ran": (data, record) => this.#ran(data, record),
    "policy:closed": (data) => this.#close(textOf(data, "id")),
  };

  /** Jobs of one record are named after it and their place. */
  #arrayed(data: Data, { seq }: EvidenceRecord): void {
    const count = Array.isArray(data.inputs) ? data.inputs.length : 0;
    for (let at = 0; at < count; at += 1) this.#jobs.set(`${seq}.${at}`, { worker: "", ended: false });
  }

  #leased(data: Data, record: EvidenceRecord): void {
    const [id, worker] = [textOf(data, "job"), textOf(data, "worker")];
    const job = this.#jobs.get(id);
    if (!job && this.#whole) this.#find(record, "lease-without-job", `job ${id}`);
    if (job?.ended) this.#find(record, "lease-after-end", `job ${id} to ${worker}`);
    if (this.#whole && !this.#present.has(worker))
      this.#find(record, "lease-to-absent", `job ${id} to ${worker}, which is not there`);
    this.#jobs.set(id, { worker, ended: false });
  }

  #ended(data: Data, record: EvidenceRecord): void {
    const [id, worker] = [textOf(data, "job"), textOf(data, "worker")];
    const job = this.#jobs.get(id);
    if (!job && this.#whole) this.#find(record, "end-without-job", `job ${id}`);
    if (job?.ended && data.state !== "canceled") this.#find(record, "ended-twice", `job ${id}`);
    const end = objectOf(data.end);
    const receipt = objectOf(end?.receipt);
    if (receipt) this.#receipt(textOf(receipt, "signature"), id, record);
    if (data.state === "done" && end?.verified !== true)
      this.#find(record, "done-unverified", `job ${id} by ${worker} counts without a verified receipt`);
    if (job) this.#jobs.set(id, { ...job, ended: true });
  }

  #receipt(signature: string, job: string, record: EvidenceRecord): void {
    const before = this.#receipts.get(signature);
    if (before !== undefined && before !== job)
      this.#find(record, "receipt-twice", `one receipt for the jobs ${before} and ${job}`);
    this.#receipts.set(signature, job);
  }

  #asked(data: Data, record: EvidenceRecord): void {
    const nonce = /^nonce: (.+)$/m.exec(textOf(data, "statement"))?.[1];
    if (nonce !== undefined && this.#nonces.has(nonce))
      this.#find(record, "nonce-twice", `of record ${this.#nonces.get(nonce)}`);
    if (nonce !== undefined) this.#nonces.set(nonce, record.seq);
    const digest = textOf(data, "digest");
    this.#actions.set(String(record.seq), { by: record.subject, ended: false, approvals: 0, digest });
  }

  #approved(data: Data, record: EvidenceRecord): void {
    const id = textOf(data, "id");
    const action = this.#actions.get(id);
    if (!action) {
      if (this.#whole) this.#find(record, "approval-without-action", `action ${id}`);
      return;
    }
    if (action.ended) this.#find(record, "approved-after-end", `action ${id}`);
    const owners = Array.isArray(data.owners) ? data.owners : [];
    if (owners.includes(action.by) && textOf(data, "signature") === "")
      this.#find(record, "approved-by-asker", `action ${id} by ${action.by}`);
    action.approvals += 1;
  }

  #ran(data: Data, record: EvidenceRecord): void {
    const id = textOf(data, "id");
    const action = this.#actions.get(id);
    if (!action && this.#whole) this.#find(record, "ran-without-asking", `action ${id}`);
    if (action?.ended) this.#find(record, "ran-twice", `action ${id}`);
    if (action && action.approvals === 0) this.#find(record, "ran-unapproved", `action ${id}`);
    this.#close(id);
  }

  #close(id: string): void {
    const action = this.#actions.get(id);
    if (action) action.ended = true;
  }
}

/** What cannot be in these records, which follow each other; what came before is unknown unless the first is record 0. */
export function inspect(records: Iterable<EvidenceRecord>): readonly Finding[] {
  let inspector: Inspector | undefined;
  for (const record of records) {
    inspector ??= new Inspector(record.seq === 0);
    inspector.add(record);
  }
  return inspector?.findings ?? [];
}
