import {
  type Caller,
  defineProvider,
  type Json,
  type JournalRecord,
  type Provider,
  type Scene,
} from "@skep/kernel";
import { encodeRecord } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { nextPosting, post } from "./post.ts";
import { dayOf } from "./rules.ts";
import { commons, type Entry, events, floorOf, initial, type Ledger } from "./state.ts";

/** What others may ask: a balance orders work, it never excludes. */
export interface LedgerView {
  /** What an account has, NCU; 0 for one that never earned. */
  ncu(account: string): number;
}

/** What the app passes in. */
export interface LedgerDeps {
  /** Sequence of the record with the posting of this number, from the index. */
  posting(account: string, n: number): Promise<number | undefined>;
  record(seq: number): Promise<JournalRecord | undefined>;
  /** The account that a machine of this owner and class works for. */
  account(member: { readonly class: string; readonly owner: string } | undefined): string;
}

interface Uses {
  readonly members: { get(worker: string): { readonly class: string; readonly owner: string } | undefined };
}

type At = Scene<Ledger, Uses>;

const wire = (value: unknown): string => escapeForeign(String(value), { form: "wire" });

function ownAccounts(caller: Caller, views: Uses, deps: LedgerDeps): readonly string[] {
  const member = views.members.get(caller.subject);
  return member ? [caller.subject, deps.account(member)] : [caller.subject];
}

/** Everybody sees its own account; who judges or watches the hive sees all. */
function sees(account: string, { caller, views }: At, deps: LedgerDeps): boolean {
  if (caller.role === "queen" || caller.role === "observer") return true;
  return ownAccounts(caller, views, deps).includes(account);
}

const ncu = (micro: number): string => (micro / 1_000_000).toFixed(6);

function balances(scene: At, deps: LedgerDeps): Record<string, Json>[] {
  const today = dayOf(scene.now);
  return [...scene.state.accounts.entries()]
    .filter(([account]) => sees(account, scene, deps))
    .map(([account, found]) => ({
      account,
      micro: found.balance,
      ncu: ncu(found.balance),
      floor: account === commons ? 0 : floorOf(found, today),
      postings: found.n,
    }));
}

function entryRows(scene: At, deps: LedgerDeps): Record<string, Json>[] {
  return [...scene.state.entries.entries()].flatMap(([number, { seq, time, kind, jobs, postings }]) =>
    postings
      .filter(({ account }) => sees(account, scene, deps))
      .map(({ account, micro, n, balance }) => ({
        entry: Number(number),
        record: seq,
        time_ms: time,
        kind,
        account,
        micro,
        n,
        balance,
        jobs: jobs.length,
      })),
  );
}

function lines(rows: readonly Record<string, Json>[]): string {
  return rows
    .map(
      (row) =>
        `${Object.entries(row)
          .map(([name, value]) => `${name}=${wire(value)}`)
          .join(" ")}\n`,
    )
    .join("");
}

/** The record of a posting as it was hashed into the log, so that its proof can be checked against these bytes. */
async function recordOf({ params }: At, deps: LedgerDeps): Promise<string> {
  const seq = await deps.posting(params.account ?? "", Number(params.n));
  const record = seq === undefined ? undefined : await deps.record(seq);
  return record ? `${encodeRecord(record).toString()}\n` : "";
}

type Posted = { readonly entries: readonly Entry[] };

const indexed = ({ entries }: Posted, { seq }: { readonly seq: number }) =>
  entries.flatMap(({ postings }) =>
    postings.map(({ account, n }) => ({ kind: "ledger", key: `${account}/${n}`, seq })),
  );

/** `/ledger`: what machines earned and owners spent, in double entry. */
export function ledgerProvider(deps: LedgerDeps): Provider {
  return defineProvider<Ledger, Uses>({
    name: "ledger",
    doc: "Credits in double entry",
    uses: ["members"],
    initial,
    events,
    offers: {
      ledger: ({ accounts }): LedgerView => ({
        ncu: (account) => Math.max(0, accounts.get(account)?.balance ?? 0) / 1_000_000,
      }),
    },
    index: { "posted@1": indexed, "decayed@1": indexed },
    tick: { next: nextPosting, decide: post },
    mounts: (t) => ({
      "/ledger": t.dir("What machines earned and owners spent; it orders work and excludes nobody", {
        balance: t.text("Accounts that the caller may see, one line each, millionths of an NCU", {
          render: (scene) => lines(balances(scene, deps)),
          json: (scene) => balances(scene, deps),
        }),
        entries: t.text("The newest postings that the caller may see, one line each", {
          render: (scene) => lines(entryRows(scene, deps)),
          json: (scene) => entryRows(scene, deps),
        }),
        accounts: t.each(
          "Accounts",
          "account",
          {
            list: (scene) => [...scene.state.accounts.keys()].filter((account) => sees(account, scene, deps)),
            has: (account, scene) => scene.state.accounts.has(account) && sees(account, scene, deps),
          },
          t.each(
            "Postings of one account, by their number from 1 on; none is listed",
            "n",
            {
              list: () => [],
              has: (n, { state, params }) =>
                /^[1-9]\d{0,14}$/.test(n) && Number(n) <= (state.accounts.get(params.account ?? "")?.n ?? 0),
            },
            t.text("The record that has it, as the log has it", { render: (scene) => recordOf(scene, deps) }),
          ),
        ),
      }),
    }),
  });
}
