import { readFileSync, writeFileSync } from "node:fs";
import { type Command, command } from "@skep/edge-cli";
import { kinds } from "@skep/fault";
import { keyFlag } from "./audit-source.ts";

/** Millionths of an NCU, as NCU. */
const ncuOf = (micro: number): string => (micro / 1_000_000).toFixed(6);

const lenderFlag = {
  kind: "directory",
  doc: "The folder of a machine that you lend: asks its hive over the mesh, as that machine",
} as const;

/** `skep ledger show`. */
export const ledgerShow: Command = command({
  name: "ledger show",
  group: "jobs",
  summary: "Show what machines earned and owners spent",
  doc: "Millionths of an NCU. Who lends a machine sees its own account, whoever runs the hive sees all. Credits order work and keep nobody from it; `commons` is the other side of what nobody could pay and of what faded.",
  examples: [
    { run: "skep ledger show", doc: "Balances" },
    { run: "skep ledger show ann", doc: "One account and its last twenty postings" },
    { run: "skep ledger show --entries", doc: "The newest postings of all" },
  ],
  args: [{ name: "account", kind: "string", optional: true, doc: "One account; all where left out" }],
  flags: {
    entries: { kind: "boolean", doc: "Postings instead of balances" },
    "worker-home": lenderFlag,
  },
  run: async (context) => {
    const [{ lenderOf }, { accountOf, balancesOf }] = await Promise.all([
      import("../ledger/lender.ts"),
      import("../ledger/history.ts"),
    ]);
    const { args, flags, out } = context;
    await using lender = await lenderOf(context, flags["worker-home"]);
    const { client } = lender;
    if (args.account !== undefined) {
      const { balance, postings } = await accountOf(client, args.account, 20);
      if (out.wantsJson) return out.json({ ...balance, entries: postings });
      await out.line(`${balance.account} has ${balance.ncu} NCU after ${balance.postings} postings`);
      return await out.table(postings, [
        { title: "posting", cell: ({ n }) => String(n), align: "right" },
        { title: "record", cell: ({ seq }) => String(seq), align: "right" },
        { title: "what", cell: ({ kind }) => kind },
        { title: "ncu", cell: ({ micro }) => ncuOf(micro), align: "right" },
        { title: "balance", cell: ({ balance: after }) => ncuOf(after), align: "right" },
      ]);
    }
    if (flags.entries)
      return await out.data(await client.readAll(`/ledger/entries${out.wantsJson ? ".json" : ""}`));
    const rows = await balancesOf(client);
    return await out.table(
      rows,
      [
        { title: "account", cell: ({ account }) => account },
        { title: "ncu", cell: ({ ncu }) => ncu, align: "right" },
        { title: "floor", cell: ({ floor }) => ncuOf(floor), align: "right" },
        { title: "postings", cell: ({ postings }) => String(postings), align: "right" },
      ],
      {
        empty:
          "No account has a posting yet: machines that joined earn by the jobs that they run (`skep run FILE`)",
      },
    );
  },
});

/** `skep ledger export`. */
export const ledgerExport: Command = command({
  name: "ledger export",
  group: "jobs",
  summary: "Write the history of an account with the proofs of its records",
  examples: [
    { run: "skep ledger export ann --file ann.json", doc: "Checked anywhere by `skep ledger verify`" },
    {
      run: "skep ledger export --worker-home ~/.local/state/skep-worker",
      doc: "On a machine that you lend: what it earned",
    },
  ],
  args: [
    {
      name: "account",
      kind: "string",
      optional: true,
      doc: "The account, as `skep ledger show` names it; with --worker-home the machine's owner's",
    },
  ],
  flags: {
    file: { kind: "file", doc: "Where to; stdout where left out" },
    "worker-home": lenderFlag,
  },
  run: async (context) => {
    const [{ lenderOf }, { exportHistory, fault }] = await Promise.all([
      import("../ledger/lender.ts"),
      import("../ledger/history.ts"),
    ]);
    await using lender = await lenderOf(context, context.flags["worker-home"]);
    const { client, owner } = lender;
    const account = context.args.account ?? owner;
    if (account === undefined) throw fault.unnamed();
    using bar = context.out.progress({ label: "Exporting", unit: "postings" });
    const text = `${JSON.stringify(await exportHistory(client, account, () => bar.add(1)))}\n`;
    if (context.flags.file === undefined) await context.out.data(Buffer.from(text));
    else writeFileSync(context.flags.file, text, { mode: 0o600 });
  },
});

/** `skep ledger verify`. */
export const ledgerVerify: Command = command({
  name: "ledger verify",
  group: "jobs",
  summary: "Check an exported history offline: nothing missing, nothing changed, every sum right",
  doc: "Every record is in the log that the key signs, every posting follows the one before, and the sides of every entry add up to nothing. What was posted after the export is not in it.",
  examples: [
    {
      run: "skep ledger verify ann.json --key 'skep.invalid/hive-…+…'",
      doc: "With nothing else than the key",
    },
  ],
  args: [{ name: "file", kind: "file", doc: "What `skep ledger export` wrote" }],
  flags: keyFlag,
  run: async (context) => {
    const { out, flags, args } = context;
    const [{ checkExport, readExport }, { trustFor }, { homeOf }] = await Promise.all([
      import("../ledger/history.ts"),
      import("../proof/trust.ts"),
      import("../client/connect.ts"),
    ]);
    const text = readFileSync(args.file, "utf8");
    const told = readExport(text, args.file);
    const checked = checkExport(told, trustFor(flags.key ?? [], homeOf(context)));
    const { account, postings } = told;
    if ("wrong" in checked) {
      if (out.wantsJson) await out.json({ verified: false, account, why: checked.wrong });
      else await out.line({ tone: "bad", text: "does not verify: " }, checked.wrong);
      return kinds.corrupt.exit;
    }
    const { balance, size } = checked;
    if (out.wantsJson)
      await out.json({ verified: true, account, postings: postings.length, micro: balance, size });
    else
      await out.line(
        { tone: "good", text: "verified" },
        `: ${account} has ${(balance / 1_000_000).toFixed(6)} NCU after ${postings.length} postings, in a log of ${size} records`,
      );
    return 0;
  },
});
