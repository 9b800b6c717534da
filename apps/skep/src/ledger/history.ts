import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { checkHistory, type Entry } from "@skep/provider-ledger";
import { leafHash, parseTlogProof, type Trust, verifyTlogProof } from "@skep/tlog";
import { z } from "zod";

/** What may be wrong with an account or its exported history. */
export const fault = faults("ledger", {
  unnamed: [
    "invalid",
    "Cannot export a history without an account",
    { cure: "Name it, as `skep ledger show` does, or give --worker-home" },
  ],
  account: ["absent", "Cannot find account", { cure: "`skep ledger show` lists those that you may see" }],
  file: ["invalid", "Cannot read exported history", { cure: "Give a file that `skep ledger export` wrote" }],
  proof: ["corrupt", "Cannot verify history: a proof is of another record"],
});

const Export = z.strictObject({
  format: z.literal("skep-ledger-export:v1"),
  account: z.string(),
  /** Records as they were hashed into the log, each with its C2SP proof, in the order of the account's postings. */
  postings: z.array(
    z.strictObject({ n: z.int().min(1), seq: z.int().min(0), record: z.string(), proof: z.string() }),
  ),
});

/** The history of one account with all that is needed to check it. */
export type LedgerExport = z.infer<typeof Export>;

const Row = z.object({
  account: z.string(),
  micro: z.int(),
  ncu: z.string(),
  floor: z.int(),
  postings: z.int(),
});

/** One account as `/ledger/balance` tells it. */
export type Balance = z.infer<typeof Row>;

/** Accounts that this caller may see. */
export async function balancesOf(client: Client): Promise<Balance[]> {
  return z.array(Row).parse(JSON.parse(String(await client.readAll("/ledger/balance.json"))));
}

/** One posting of an account. */
export interface PostingRow {
  readonly n: number;
  /** The record that tells it. */
  readonly seq: number;
  readonly kind: string;
  readonly micro: number;
  readonly balance: number;
}

/** An account and its newest postings, the oldest first. Throws `ledger.account`. */
export async function accountOf(
  client: Client,
  account: string,
  most: number,
): Promise<{ readonly balance: Balance; readonly postings: readonly PostingRow[] }> {
  const balance = (await balancesOf(client)).find((one) => one.account === account);
  if (!balance) throw fault.account(account);
  const postings: PostingRow[] = [];
  for (let n = Math.max(1, balance.postings - most + 1); n <= balance.postings; n += 1) {
    const record = String(await client.readAll(`/ledger/accounts/${account}/${n}`)).trimEnd();
    const { seq } = JSON.parse(record) as { seq: number };
    for (const entry of entriesOf(record))
      for (const side of entry.postings)
        if (side.account === account && side.n === n)
          postings.push({ n, seq, kind: entry.kind, micro: side.micro, balance: side.balance });
  }
  return { balance, postings };
}

/** Collects the history of an account. Throws `ledger.account`. */
export async function exportHistory(
  client: Client,
  account: string,
  step: () => void,
): Promise<LedgerExport> {
  const found = (await balancesOf(client)).find((one) => one.account === account);
  if (!found) throw fault.account(account);
  const postings: LedgerExport["postings"] = [];
  for (let n = 1; n <= found.postings; n += 1) {
    const record = String(await client.readAll(`/ledger/accounts/${account}/${n}`)).trimEnd();
    const { seq } = JSON.parse(record) as { seq: number };
    const proof = String(await client.readAll(`/audit/proof/${seq}`));
    postings.push({ n, seq, record, proof });
    step();
  }
  return { format: "skep-ledger-export:v1", account, postings };
}

/** Reads what `exportHistory` gave. Throws `ledger.file`. */
export function readExport(text: string, from?: string): LedgerExport {
  try {
    return Export.parse(JSON.parse(text));
  } catch (cause) {
    throw fault.file(from, { cause });
  }
}

function entriesOf(record: string): Entry[] {
  const { events } = JSON.parse(record) as { events: { t: string; d: { entries: Entry[] } }[] };
  return events
    .filter(({ t }) => t === "ledger:posted@1" || t === "ledger:decayed@1")
    .flatMap(({ d }) => d.entries);
}

/**
 * Checks a history offline: every record is in the signed log, no posting is missing between the first and the last, and
 * every balance follows from the one before. Gives what is wrong, or what the account has. Throws `tlog.*`, `ledger.*`.
 */
export function checkExport(
  { account, postings }: LedgerExport,
  trust: Trust,
): { readonly wrong: string } | { readonly balance: number; readonly size: number } {
  let size = 0;
  for (const { seq, record, proof } of postings) {
    const told = parseTlogProof(Buffer.from(proof));
    if (told.index !== seq) throw fault.proof(String(seq));
    const { checkpoint } = verifyTlogProof(told, leafHash(Buffer.from(record)), trust);
    size = Math.max(size, checkpoint.size);
  }
  const steps = postings.map(({ n, record }) => ({ n, entries: entriesOf(record) }));
  const wrong = checkHistory(account, steps);
  if (wrong !== undefined) return { wrong };
  const last = steps
    .at(-1)
    ?.entries.flatMap((entry) => entry.postings)
    .find((one) => one.account === account && one.n === steps.length);
  return { balance: last?.balance ?? 0, size };
}
