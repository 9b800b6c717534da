import { type Cell, emitter, type EventMeta, type Scope, type Table } from "@skep/kernel";
import { dayOf, type Micro } from "./rules.ts";

/** Other side of what nobody pays and of what fades: the only account that may be below zero. */
export const commons = "commons";

/** One side of an entry. */
export type Posting = {
  readonly account: string;
  /** What is added; less than zero for what is taken. */
  readonly micro: Micro;
  /** Postings of this account so far, this one included: its history has no gaps. */
  readonly n: number;
  /** What the account has after it. */
  readonly balance: Micro;
};

/** What is posted at once; the postings add up to nothing. */
export type Entry = {
  readonly kind: "work" | "reversal" | "decay";
  /** Jobs and what each came to. */
  readonly jobs: readonly (readonly [job: string, micro: Micro])[];
  readonly postings: readonly Posting[];
};

/** Work that was measured when its verdict stood. */
export type Metered = {
  readonly job: string;
  readonly payer: string;
  /** Accounts of the machines whose answer counts, and what each earned. */
  readonly paid: readonly { readonly account: string; readonly micro: Micro }[];
};

export type Account = {
  readonly balance: Micro;
  readonly n: number;
  /** Days and what was earned in each, newest last, at most thirty. */
  readonly earned: readonly (readonly [day: number, micro: Micro])[];
};

/** The slice. Bound: accounts that ever had a posting, measured work of the last second, the newest entries. */
export interface Ledger {
  readonly accounts: Table<Account>;
  readonly pending: Table<Metered & { readonly kind: "work" | "reversal"; readonly time: number }>;
  readonly entries: Table<Entry & { readonly seq: number; readonly time: number }>;
  /** Days and what was spent in each, newest last, at most 45. */
  readonly spent: Cell<readonly (readonly [day: number, micro: Micro])[]>;
  /** The day whose decay was posted last; 0 for none. */
  readonly decayed: Cell<number>;
  /** Entries so far. */
  readonly count: Cell<number>;
}

/** Entries that are kept in state; older ones are in the journal. */
export const keepEntries = 1000;
const earnDays = 30;
const spendDays = 45;

export const initial = (scope: Scope): Ledger => ({
  accounts: scope.table("accounts"),
  pending: scope.table("pending"),
  entries: scope.table("entries"),
  spent: scope.cell("spent", []),
  decayed: scope.cell("decayed", 0),
  count: scope.cell("count", 0),
});

type Days = readonly (readonly [day: number, micro: Micro])[];

function added(days: Days, day: number, micro: Micro, keep: number): Days {
  const last = days.at(-1);
  const sum = last?.[0] === day ? last[1] + micro : micro;
  const before = last?.[0] === day ? days.slice(0, -1) : days;
  return [...before, [day, sum] as const].filter(([one]) => one > day - keep);
}

/** Sum of what days hold that are not older than so many. */
export function sumOf(days: Days, today: number, keep: number): Micro {
  return days.reduce((sum, [day, micro]) => (day > today - keep ? sum + micro : sum), 0);
}

export const floorOf = ({ earned }: Account, today: number): Micro => sumOf(earned, today, earnDays);
export const redeemedOf = ({ spent }: Ledger, today: number): Micro => sumOf(spent.get(), today, spendDays);

function fold(ledger: Ledger, entry: Entry, { seq, time }: EventMeta): void {
  const today = dayOf(time);
  for (const { account, micro, n, balance } of entry.postings) {
    const before = ledger.accounts.get(account)?.earned ?? [];
    const earns = entry.kind === "work" && micro > 0 && account !== commons;
    ledger.accounts.set(account, {
      balance,
      n,
      earned: earns ? added(before, today, micro, earnDays) : before,
    });
    if (entry.kind === "work" && micro < 0 && account !== commons)
      ledger.spent.set(added(ledger.spent.get(), today, -micro, spendDays));
  }
  const number = ledger.count.get() + 1;
  ledger.count.set(number);
  ledger.entries.set(String(number), { ...entry, seq, time });
  const first = ledger.entries.size > keepEntries ? ledger.entries.first() : undefined;
  if (first !== undefined) ledger.entries.delete(first);
}

export const events = {
  "posted@1": (
    ledger: Ledger,
    { entries, jobs }: { entries: readonly Entry[]; jobs: readonly string[] },
    meta: EventMeta,
  ) => {
    for (const key of jobs) ledger.pending.delete(key);
    for (const entry of entries) fold(ledger, entry, meta);
  },
  "decayed@1": (
    ledger: Ledger,
    { entries, day }: { entries: readonly Entry[]; day: number },
    meta: EventMeta,
  ) => {
    for (const entry of entries) fold(ledger, entry, meta);
    ledger.decayed.set(day);
  },
  "jobs:metered@1": ({ pending }: Ledger, data: Metered, { time }: EventMeta) =>
    pending.set(data.job, { ...data, kind: "work", time }),
  "jobs:reversed@1": ({ pending }: Ledger, data: Metered, { time }: EventMeta) =>
    pending.set(`${data.job}-`, { ...data, kind: "reversal", time }),
} as const;

export const emit = emitter(events);
