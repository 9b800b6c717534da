import type { Deciding, Decision, Emitted } from "@skep/kernel";
import { dayOf, decay, fades, type Micro, startOf } from "./rules.ts";
import { commons, emit, type Entry, floorOf, type Ledger, type Metered, redeemedOf } from "./state.ts";

/** Work is posted together so long after the first of it was measured, milliseconds: a record for each job would double their cost. */
const togetherMs = 1000;
/** Sides of work that one record posts at most: it must stay far below the largest. */
const mostSides = 200;
/** Accounts that one record of decay takes up at most. */
const mostFading = 256;

/** Balances as they change while entries are made. */
class Books {
  readonly #ledger: Ledger;
  readonly #changed = new Map<string, { n: number; balance: Micro }>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  #of(account: string): { n: number; balance: Micro } {
    const before = this.#ledger.accounts.get(account);
    return this.#changed.get(account) ?? { n: before?.n ?? 0, balance: before?.balance ?? 0 };
  }

  balance(account: string): Micro {
    return this.#of(account).balance;
  }

  /** Posts what moves; what comes to nothing is left out. */
  entry(kind: Entry["kind"], jobs: Entry["jobs"], moves: ReadonlyMap<string, Micro>): Entry {
    const postings = [...moves].flatMap(([account, micro]) => {
      if (micro === 0) return [];
      const before = this.#of(account);
      const after = { n: before.n + 1, balance: before.balance + micro };
      this.#changed.set(account, after);
      return [{ account, micro, ...after }];
    });
    return { kind, jobs, postings };
  }
}

const total = ({ paid }: Metered): Micro => paid.reduce((sum, { micro }) => sum + micro, 0);

function add(moves: Map<string, Micro>, account: string, micro: Micro): void {
  moves.set(account, (moves.get(account) ?? 0) + micro);
}

/** Who pays gives what it has, and the commons the rest: nobody is kept from work by what it lacks. */
function pay(books: Books, moves: Map<string, Micro>, account: string, price: Micro): void {
  const has = Math.max(0, books.balance(account) + (moves.get(account) ?? 0));
  const own = account === commons ? price : Math.min(has, price);
  add(moves, account, -own);
  add(moves, commons, own - price);
}

function workEntry(books: Books, of: readonly Metered[]): Entry {
  const moves = new Map<string, Micro>();
  for (const work of of) pay(books, moves, work.payer, total(work));
  for (const { paid } of of) for (const { account, micro } of paid) add(moves, account, micro);
  return books.entry(
    "work",
    of.map((work) => [work.job, total(work)] as const),
    moves,
  );
}

/** An audit found the answer wrong: who was paid for it gives it back as far as it can, and who paid has it again. */
function reversalEntry(books: Books, work: Metered): Entry {
  const moves = new Map<string, Micro>();
  for (const { account, micro } of work.paid) pay(books, moves, account, micro);
  add(moves, work.payer, total(work));
  return books.entry("reversal", [[work.job, -total(work)]], moves);
}

function postings(ledger: Ledger): Emitted {
  const books = new Books(ledger);
  const byPayer = new Map<string, Metered[]>();
  const reversals: Metered[] = [];
  const jobs: string[] = [];
  let sides = 0;
  for (const [key, work] of ledger.pending.entries()) {
    if (sides >= mostSides) break;
    sides += 1 + work.paid.length;
    jobs.push(key);
    if (work.kind === "reversal") reversals.push(work);
    else byPayer.set(work.payer, [...(byPayer.get(work.payer) ?? []), work]);
  }
  const work = [...byPayer.values()].map((of) => workEntry(books, of));
  const entries = [...work, ...reversals.map((each) => reversalEntry(books, each))];
  return emit("posted@1", { entries: entries.filter((entry) => entry.postings.length > 0), jobs });
}

function fading(ledger: Ledger, today: number): Emitted | undefined {
  const saved = [...ledger.accounts.entries()].filter(
    ([name, { balance }]) => name !== commons && balance > 0,
  );
  const sum = saved.reduce((all, [, { balance }]) => all + balance, 0);
  const fast = fades(sum, redeemedOf(ledger, today));
  const books = new Books(ledger);
  const moves = new Map<string, Micro>();
  const entries: Entry[] = [];
  for (const [name, account] of saved) {
    const taken = decay(account.balance, floorOf(account, today), fast);
    if (taken === 0) continue;
    add(moves, name, -taken);
    add(moves, commons, taken);
    if (moves.size <= mostFading) continue;
    entries.push(books.entry("decay", [], moves));
    moves.clear();
    // One record holds no more: the others lose a day's decay, which is to their favour.
    break;
  }
  if (moves.size > 0) entries.push(books.entry("decay", [], moves));
  return emit("decayed@1", { entries, day: today });
}

/** When something is due: measured work after a second, decay once a day while anybody has something. */
export function nextPosting(ledger: Ledger): number | undefined {
  const first = ledger.pending.first();
  const since = first === undefined ? undefined : ledger.pending.get(first)?.time;
  const post = since === undefined ? undefined : ledger.pending.size >= mostSides ? 0 : since + togetherMs;
  const last = ledger.decayed.get();
  const fade = ledger.accounts.size > 0 ? (last === 0 ? 0 : startOf(last + 1)) : undefined;
  const due = [post, fade].filter((time) => time !== undefined);
  return due.length === 0 ? undefined : Math.min(...due);
}

/** What time brings. */
export function post({ state, now }: Pick<Deciding<Ledger>, "state" | "now">): Decision | undefined {
  const today = dayOf(now);
  const events: Emitted[] = [];
  const first = state.pending.first();
  const since = first === undefined ? undefined : state.pending.get(first)?.time;
  if (since !== undefined && (since + togetherMs <= now || state.pending.size >= mostSides))
    events.push(postings(state));
  else if (state.accounts.size > 0 && state.decayed.get() === 0)
    // The first day that there is something: nothing fades on it.
    events.push(emit("decayed@1", { entries: [], day: today }));
  else if (state.accounts.size > 0 && state.decayed.get() < today) {
    const faded = fading(state, today);
    if (faded) events.push(faded);
  }
  return events.length > 0 ? { events } : undefined;
}
