import {
  type Build,
  type Json,
  defineProvider,
  LateLines,
  type Node,
  type Provider,
  type Ring,
  type Scene,
} from "@skep/kernel";
import type { Signer } from "@skep/tlog";
import { decisionLine, journalLine } from "./lines.ts";
import { type AuditJournal, AuditLog } from "./log.ts";
import { cosignedNow, type WitnessesView, witnessText } from "./witnesses.ts";
import type { Replays } from "./replay.ts";
import { type Chains, type ChainIndex, createChains } from "./chains.ts";

export type { AuditJournal } from "./log.ts";

const capacity = 64 * 1024;

/** What the app passes in. */
export interface AuditDeps {
  /** Asked for at each read: the journal is open by then. */
  readonly journal: () => AuditJournal;
  /** Signs checkpoints; its name is the origin of the log. */
  readonly signer: Signer;
  /** What is looked up in the index, for `/audit/why`; without it there is no such directory. */
  readonly index?: ChainIndex;
  /** What cosigns the log, where something does. */
  readonly witnesses?: WitnessesView;
  /** What `/audit/export` tells of replay; none where nothing is said. */
  readonly replays?: Replays;
}

const noReplays: Replays = { enabled: false, window: 0 };

type Builder = Build<null, Record<string, never>>;
type At = Scene<null>;

function proofs(t: Builder, log: AuditLog): Node {
  const known = (name: string): boolean => /^(0|[1-9][0-9]{0,15})$/.test(name) && Number(name) < log.size;
  return t.each(
    "Proofs that a record is in the log, by its sequence",
    "seq",
    { list: () => [], has: known },
    t.text("A C2SP tlog-proof of one record", { render: ({ params }) => log.proof(Number(params.seq)) }),
  );
}

function tiles(t: Builder, log: AuditLog): Node {
  const below = ({ params }: At): string => params.below ?? "";
  return t.subtree(
    "The log as C2SP tiles: <level>/<index>[.p/<width>], entries/<index>[.p/<width>]",
    "below",
    { at: (scene) => log.at(below(scene)), list: (scene) => (below(scene) === "" ? log.top() : []) },
    t.text("A tile of hashes, or a bundle of records", {
      fixed: true,
      render: (scene) => log.tile(below(scene)),
    }),
  );
}

function reasons(t: Builder, chains: Chains): Node {
  const name = ({ params }: At): string => params.of ?? "";
  return t.each(
    "Why: by the sequence of a record, or by a path in percent-encoding, which records led there",
    "of",
    { list: () => [], has: (of) => chains.knows(of) },
    t.dir("Why one thing is as it is", {
      chain: t.text("The chain from the ticket to the receipt, with proofs in its JSON twin", {
        render: async (scene) => await chains.lines(name(scene)),
        json: async (scene) => await chains.whole(name(scene)),
      }),
    }),
  );
}

/** `/audit`: the journal as lines, and as a transparency log that a stranger can check. */
export function auditProvider(deps: AuditDeps): Provider {
  const log = new AuditLog(deps.journal, deps.signer);
  const lines = new LateLines(journalLine);
  const verdicts = new LateLines(decisionLine);
  const journal = ({ ring }: At): Ring => lines.open(ring("/audit/journal", capacity));
  const decisions = ({ ring }: At): Ring => verdicts.open(ring("/audit/decisions", capacity));
  return defineProvider<null>({
    name: "audit",
    doc: "Proof of what was commanded",
    journalled: false,
    initial: () => null,
    events: {},
    recorded: (record) => {
      lines.push(record);
      verdicts.push(record);
    },
    mounts: (t) => ({
      "/audit": t.dir("Proof of what was commanded", {
        checkpoint: t.text("Signed note of the newest durable state of the log", {
          render: () => cosignedNow(log.checkpoint(), deps.witnesses),
        }),
        cosigned: t.text("The newest checkpoint with enough cosignatures; empty without witnesses", {
          render: () => deps.witnesses?.cosigned ?? "",
        }),
        witnesses: t.text("Who is asked to cosign the log, and what each said last", {
          render: () => witnessText(deps.witnesses),
          json: () => (deps.witnesses?.standing ?? []) as unknown as Json,
        }),
        tile: tiles(t, log),
        proof: proofs(t, log),
        ...(deps.index && { why: reasons(t, createChains(deps, deps.index)) }),
        journal: t.stream("Every control with its outcome, one JSON object per line", { source: journal }),
        decisions: t.stream("Every verdict, one JSON object per line", { source: decisions }),
        export: t.text("Which bytes of both streams there are, and how much can be judged again", {
          render: (scene) => {
            const [told, decided] = [journal(scene), decisions(scene)];
            const { enabled, window } = deps.replays ?? noReplays;
            const offsets = {
              journal_base: told.base,
              journal_next: told.next,
              decisions_base: decided.base,
              decisions_next: decided.next,
              replay_enabled: enabled,
              replay_max_entries: enabled ? window : 0,
            };
            return `${JSON.stringify(offsets)}\n`;
          },
        }),
      }),
    }),
  });
}
