import { createHash } from "node:crypto";
import { canonical } from "@skep/canon";
import { faults } from "@skep/fault";
import type { JournalRecord } from "@skep/kernel";
import type { Keeper } from "@skep/provider-cas";
import type { Agent, Order } from "./agent.ts";

const fault = faults("keeper", {
  beyond: ["denied", "Cannot remove a blob that its statement does not name"],
});

/** What the keeper asks the hive for; it believes none of it that a signature does not cover. */
export interface KeeperDeps {
  readonly record: (seq: number) => Promise<JournalRecord>;
  readonly mandate: (action: string) => Promise<Order["mandate"]>;
  /** When a blob's file was last written, seconds since 1970; undefined where there is none. */
  readonly written: (digest: string) => Promise<number | undefined>;
  readonly now: () => number;
}

const path = "/cas/ctl";

function identityOf(dropped: readonly string[]): string {
  const told = canonical([path, { dropped: [...dropped] }]);
  return `sha256:${createHash("sha256").update(told).digest("hex")}`;
}

function droppedBy({ effects }: JournalRecord): string[] {
  return effects.flatMap(({ kind, args }) =>
    kind === "cas.unlink" ? [(args as { readonly digest: string }).digest] : [],
  );
}

/**
 * What stands between the hive and the files of its blobs: once signers are pinned nothing is unlinked but what a signed
 * statement names, each once, and what is so old that the operator pinned it as free to go.
 */
export function keeperOf(agent: Agent, deps: KeeperDeps): Keeper {
  /** Digests that an accepted statement still lets go, by record. */
  const open = new Map<number, Set<string>>();

  async function isOld(digest: string): Promise<boolean> {
    const after = agent.sweepAfter;
    const written = after === undefined ? undefined : await deps.written(digest);
    return after !== undefined && written !== undefined && written + after <= deps.now();
  }

  /** Digests that the statement behind a record lets go; its nonce is burnt by asking. */
  function accepted(seq: number, record: JournalRecord | undefined, mandate: Order["mandate"]): Set<string> {
    const dropped = record ? droppedBy(record) : [];
    const target = { path, identity: identityOf(dropped), digest: null };
    agent.accept({ act: "cas.gc", target, parameters: {}, mandate });
    const left = new Set(dropped);
    open.set(seq, left);
    return left;
  }

  const mandateOf = async (record: JournalRecord | undefined): Promise<Order["mandate"]> =>
    record?.approved === undefined ? undefined : deps.mandate(record.approved);

  return {
    async allow(digest, effect) {
      if (!agent.active) return;
      const seq = effect === "" ? -1 : Number.parseInt(effect, 10);
      const record = seq < 0 ? undefined : await deps.record(seq);
      const mandate = await mandateOf(record);
      if (!mandate && (await isOld(digest))) return;
      const left = open.get(seq) ?? accepted(seq, record, mandate);
      if (!left.delete(digest)) throw fault.beyond(digest);
      if (left.size === 0) open.delete(seq);
    },
  };
}
