import type { JournalRecord, Json, RecordEvent } from "@skep/kernel";
import { escapeForeign, formatTime } from "@skep/text";
import {
  actName,
  type ChainSource,
  dataOf,
  eventNames,
  eventOf,
  type Link,
  mostLinks,
  textOf,
} from "./chain.ts";

/** The causal chain of one record, as it is told to people. */
export interface Told {
  readonly seq: number;
  /** One calm line. */
  readonly summary: string;
  readonly links: readonly Link[];
}

/** The causal chain of one record, with what proves it. */
export interface Why extends Told {
  /** C2SP tlog-proofs of every record that a link names, by sequence. */
  readonly proofs: Readonly<Record<string, string>>;
}

/** Most records that a chain goes back through effects to their cause. */
const mostSteps = 4;

const far = Number.MAX_SAFE_INTEGER;
const s = (count: number): string => (count === 1 ? "" : "s");

/** Follows one record back to its ticket and on to what became of it. */
class Follower {
  readonly #from: ChainSource;
  readonly links: Link[] = [];

  constructor(from: ChainSource) {
    this.#from = from;
  }

  #add(part: Link["part"], text: string, record?: JournalRecord, detail?: Json): void {
    this.links.push({
      part,
      text,
      ...(record && { seq: record.seq, time: record.time }),
      ...(detail !== undefined && { detail }),
    });
  }

  async follow(record: JournalRecord): Promise<void> {
    await this.#ticket(record);
    await this.#cause(record, mostSteps);
    await this.#policy(record);
    if (eventOf(record, "policy:asked")) return this.#waited(record);
    await this.#approvals(record);
    return this.#decided(record);
  }

  async #decided(record: JournalRecord): Promise<void> {
    this.#decision(record);
    await this.#effects(record);
    await this.#after(record);
  }

  /** What waited for approval: who gave it, and what it did when it ran. */
  async #waited(record: JournalRecord): Promise<void> {
    this.#decision(record);
    const ran = await this.#action(String(record.seq), record.seq);
    if (ran) await this.#decided(ran);
  }

  async #ticket({ subject, role, ticket, seq }: JournalRecord): Promise<void> {
    if (ticket.length === 0) return this.#add("ticket", "the hive itself, no ticket");
    const narrowed = ticket.length - 1;
    const words = narrowed === 0 ? "not narrowed" : `narrowed ${narrowed} time${s(narrowed)}`;
    this.#add("ticket", `${subject} as ${role ?? "unknown"}, ${words}`, undefined, { blocks: [...ticket] });
    for (const [at, block] of ticket.entries()) {
      const told = await this.#from.touched(`ticket:${block}`, far, 4);
      const place = at === 0 ? "root block" : `block ${at}, narrows block ${at - 1}`;
      this.#add("ticket", `${place}: ${block}`);
      for (const each of [...told].reverse()) {
        const record = await this.#from.record(each);
        const when = each > seq ? " after this" : "";
        this.#add("ticket", `${eventNames(record)}${when} by ${record.subject}`, record);
      }
    }
    return undefined;
  }

  /** An outcome is caused by the record that asked for its effect. */
  async #cause({ outcome }: JournalRecord, left: number): Promise<void> {
    const of = outcome === undefined ? Number.NaN : Number(outcome.split(".")[0]);
    if (!Number.isSafeInteger(of) || left === 0) return;
    const cause = await this.#from.record(of);
    this.#add("cause", `effect ${outcome} of ${actName(cause)} at ${cause.path} by ${cause.subject}`, cause);
    await this.#cause(cause, left - 1);
  }

  async #policy({ policy, seq }: JournalRecord): Promise<void> {
    if (policy === "none") return this.#add("policy", "no policies in force");
    const [version = "", ...rules] = policy.split(" ");
    const [put] = await this.#from.touched(`policy:${version.slice(1)}`, seq, 1);
    const by = rules.length === 0 ? "no rule matched" : `rule${s(rules.length)} ${rules.join(", ")}`;
    const text = `policies ${version}, ${by}`;
    if (put === undefined) return this.#add("policy", text, undefined, { version, rules });
    const record = await this.#from.record(put);
    return this.#add("policy", `${text}; in force by ${record.subject}`, record, { version, rules });
  }

  async #approvals(record: JournalRecord): Promise<void> {
    const ran = textOf(eventOf(record, "policy:ran"), "id");
    if (ran !== "") {
      const asked = await this.#from.record(Number(ran));
      this.#add("asked", `asked by ${asked.subject}, ${asked.policy}`, asked);
      await this.#action(ran, record.seq);
    }
    for (const event of record.events)
      if (event.t.startsWith("policy:consumed@")) await this.#presented(event, record.seq);
  }

  /** The steps of an action; gives the record that ran it, where it ran. */
  async #action(id: string, besides: number): Promise<JournalRecord | undefined> {
    let ran: JournalRecord | undefined;
    const seqs = await this.#from.touched(`/actions/${id}`, far, mostLinks);
    for (const seq of [...seqs].reverse()) {
      if (seq === besides || String(seq) === id) continue;
      const record = await this.#from.record(seq);
      for (const event of record.events) {
        if (!isOf(event, id)) continue;
        if (event.t.startsWith("policy:ran@")) ran = record;
        else this.#add("approval", approvalText(event, record), record);
      }
    }
    return ran;
  }

  async #presented(event: RecordEvent, below: number): Promise<void> {
    const { ids } = dataOf(event);
    for (const id of Array.isArray(ids) ? ids : [])
      for (const seq of await this.#from.touched(`/actions/${id}`, below, 1)) {
        const record = await this.#from.record(seq);
        this.#add("approval", `${String(id)} queued by ${record.subject}, used by this`, record);
      }
  }

  #decision(record: JournalRecord): void {
    const { verdict, key, undo } = record;
    const { ok, code, message, count = 1, kind } = verdict;
    const often = count > 1 ? `, ${count} times within that second` : "";
    const text = ok
      ? `accepted: ${eventNames(record)}`
      : `${kind === "waiting" ? "waits" : "refused"}: ${message ?? code ?? "unknown"} (${code})${often}`;
    const more = [key === undefined ? "" : `, key ${key}`, undo === undefined ? "" : ", can be undone"];
    this.#add("decision", text + more.join(""), record);
  }

  async #effects(record: JournalRecord): Promise<void> {
    for (const { id, kind } of record.effects.slice(0, mostLinks)) {
      this.#add("effect", `${kind}, effect ${id}`, record);
      const end = await this.#from.outcome(id);
      if (end === undefined) this.#add("outcome", `effect ${id} has not ended`);
      else {
        const ended = await this.#from.record(end);
        this.#add("outcome", `effect ${id} ended: ${outcomeText(ended)}`, ended);
      }
    }
  }

  /** What became of what it made: a job is named by the record that made it. */
  async #after(record: JournalRecord): Promise<void> {
    const job = textOf(eventOf(record, "jobs:submitted"), "job");
    if (job === "") return;
    const seqs = (await this.#from.touched(`/jobs/${job}`, far, mostLinks)).filter((seq) => seq > record.seq);
    for (const seq of [...seqs].reverse()) {
      const later = await this.#from.record(seq);
      this.#add("change", `${eventNames(later)} by ${later.subject}`, later);
      const ended = later.events.find(
        (event) => event.t.startsWith("jobs:ended@") && dataOf(event).job === job,
      );
      if (ended) this.#receipt(ended, later);
    }
  }

  #receipt(event: RecordEvent, record: JournalRecord): void {
    const end = dataOf(event).end as Readonly<Record<string, Json | undefined>> | undefined;
    const receipt = end?.receipt as Readonly<Record<string, Json | undefined>> | null | undefined;
    const result = receipt?.result as Readonly<Record<string, Json | undefined>> | undefined;
    if (!receipt) {
      this.#add("receipt", `no receipt: ${textOf(end, "reason")}`, record);
      return;
    }
    const state = end?.verified === true ? "verified" : "not verified";
    const who = textOf(receipt, "worker_pubkey") || "nobody";
    const over = Array.isArray(result?.output_commitment)
      ? Buffer.from(result.output_commitment.map(Number)).toString("hex")
      : "";
    this.#add("receipt", `${state}, signed by ${who}${over && ` over outputs ${over}`}`, record);
  }
}

function outcomeText(record: JournalRecord): string {
  const { command } = record;
  const result = (command as { readonly result?: Json } | null)?.result as
    | Readonly<Record<string, Json | undefined>>
    | undefined;
  if (result && "unknown" in result) return "unknown";
  const failed = result?.failed as Readonly<Record<string, Json | undefined>> | undefined;
  return failed ? `failed, ${textOf(failed, "code")}` : "done";
}

/** Whether an event tells of an action; those that expire together are told in one. */
function isOf(event: RecordEvent, action: string): boolean {
  const { id, ids } = dataOf(event);
  return (
    id === action || (event.t.startsWith("policy:expired@") && Array.isArray(ids) && ids.includes(action))
  );
}

function approvalText(event: RecordEvent, { subject }: JournalRecord): string {
  const data = dataOf(event);
  const name = event.t.replace(/^policy:|@\d+$/g, "");
  if (name !== "approved") return `${textOf(data, "state") || name} by ${subject}`;
  const owners = Array.isArray(data.owners) ? data.owners.map(String) : [];
  const signed = textOf(data, "signature") === "" ? "by ticket" : "with an SSH signature";
  return `approved by ${owners[0] ?? subject} ${signed}`;
}

function endText(links: readonly Link[]): string {
  const last = links.findLast(({ part }) => part === "receipt" || part === "outcome" || part === "change");
  return last ? `; ${last.part === "change" ? "last " : `${last.part} `}${last.text}` : "";
}

const closed = /^(rejected|stale|expired) by /;

/** Whether what had to wait still does: it ran, as another record, or ended otherwise. */
function waitText({ seq }: JournalRecord, links: readonly Link[]): string {
  const ran = links.find((link) => link.part === "decision" && link.seq !== seq);
  if (ran) return `waited, then ran as record ${ran.seq}`;
  const ended = links.findLast(({ part, text }) => part === "approval" && closed.test(text));
  return ended ? `waited, ${ended.text}` : "waiting";
}

function summaryOf(record: JournalRecord, links: readonly Link[]): string {
  const { seq, subject, path, policy, verdict } = record;
  const rule = policy === "none" ? "no policies in force" : `by ${policy}`;
  const approvals = links.filter(({ part, text }) => part === "approval" && text.startsWith("approved"));
  const people = approvals.length === 0 ? "" : `, ${approvals.length} approval${s(approvals.length)}`;
  const said = verdict.ok
    ? "accepted"
    : verdict.kind === "waiting"
      ? waitText(record, links)
      : `refused (${verdict.code})`;
  const what = record.outcome === undefined ? actName(record) : `outcome of effect ${record.outcome}`;
  return `record ${seq}: ${what} at ${path} by ${subject}, ${said}, ${rule}${people}${endText(links)}`;
}

/** The chain of a record that is durable. */
export async function tellRecord(seq: number, source: ChainSource): Promise<Told> {
  const record = await source.record(seq);
  const follower = new Follower(source);
  await follower.follow(record);
  const { links } = follower;
  return { seq, summary: summaryOf(record, links), links };
}

/** The chain with the proofs of its records: they cost far more than what is told. */
export async function proveTold(chain: Told, source: ChainSource): Promise<Why> {
  const told = [...new Set(chain.links.flatMap((link) => (link.seq === undefined ? [] : [link.seq])))];
  const proofs: Record<string, string> = {};
  for (const each of told.sort((one, other) => one - other)) proofs[each] = await source.proof(each);
  return { ...chain, proofs };
}

/** The chain for people: a line of its own for each link, with where the record stands. */
export function whyLines({ summary, links }: Told): string {
  const lines = links.map(({ part, text, seq, time }) => {
    const at = seq === undefined ? "" : `  [record ${seq}, ${formatTime(time ?? 0)}]`;
    return `  ${part.padEnd(9)} ${text}${at}`;
  });
  return [summary, ...lines].map((line) => `${escapeForeign(line, { form: "wire" })}\n`).join("");
}

/** Which acts last changed a file. */
export interface Changed<Chain extends Told = Why> {
  readonly path: string;
  /** The directory whose records these are: of the path itself, or the nearest above it that has any. */
  readonly of: string;
  /** Newest first; at most so many as the index keeps. */
  readonly changes: readonly {
    readonly seq: number;
    readonly time: number;
    readonly subject: string;
    readonly act: string;
    readonly path: string;
    readonly ok: boolean;
  }[];
  /** The chain of the newest. */
  readonly why: Chain;
}

// A machine's files stand under two names.
const plain = (path: string): string => path.replace(/^\/shard\/[0-9a-f]+(?=\/worker\/)/, "");

/** The acts that last changed a file; undefined where no record tells of it. */
export async function tellPath(path: string, source: ChainSource): Promise<Changed<Told> | undefined> {
  for (let of = plain(path); of.length > 1; of = of.slice(0, Math.max(0, of.lastIndexOf("/")))) {
    const seqs = await source.touched(of, source.durable(), 32);
    const [newest] = seqs;
    if (newest === undefined) continue;
    const changes = [];
    for (const seq of seqs) {
      const record = await source.record(seq);
      const { time, subject, path: at, verdict } = record;
      changes.push({ seq, time, subject, act: actName(record), path: at, ok: verdict.ok });
    }
    return { path, of, changes, why: await tellRecord(newest, source) };
  }
  return undefined;
}

/** The same for people. */
export function changedLines({ path, of, changes, why }: Changed<Told>): string {
  const [newest] = changes;
  const where = of === plain(path) ? "" : ` (as part of ${of})`;
  const head = `${path}${where} was last changed by record ${newest?.seq ?? ""}`;
  const rest = changes.map(
    ({ seq, time, subject, act, path: at, ok }) =>
      `  ${String(seq).padStart(8)}  ${formatTime(time)}  ${act} at ${at} by ${subject}${ok ? "" : ", refused"}`,
  );
  return `${[head, ...rest].map((line) => `${escapeForeign(line, { form: "wire" })}\n`).join("")}${whyLines(why)}`;
}
