import { createPublicKey, verify } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { joinCode, joinStatement, sealFor } from "@skep/invite";
import type { Issue, Join, PeersDeps } from "@skep/provider-peers";
import { createRoot, describe, mint, type Right, type Role } from "@skep/ticket";
import { z } from "zod";
import { rightsFor } from "../access/grants.ts";
import { replacePrivate } from "../client/files.ts";
import { type HiveKeys, shortName } from "./keys.ts";

/** Name of the worker that a machine's key stands for. */
export const workerName = (key: string): string => `w-${shortName(Buffer.from(key, "hex"))}`;

const KeptRight = z.object({ path: z.string(), verb: z.string() });
const Kept = z.strictObject({
  box: z.string(),
  block: z.string(),
  sealed: z.string(),
  /** What its first ticket opened: a later one opens no more. */
  rights: z.array(KeptRight).optional(),
});
type Kept = z.infer<typeof Kept>;

const spki = Buffer.from("302a300506032b6570032100", "hex");

/** Whether the key that a joiner brings is its own. */
export function provesKey({ node, box, proof }: Join, invite: string, hive: string): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.concat([spki, Buffer.from(node, "hex")]),
      format: "der",
      type: "spki",
    });
    return verify(null, joinStatement({ hive, invite, node, box }), key, Buffer.from(proof, "hex"));
  } catch {
    return false;
  }
}

/** The tickets that machines were given when they joined; sealed, so that only they can use them. */
export class Members {
  readonly #folder: string;
  readonly #keys: HiveKeys;
  readonly #now: () => number;

  constructor(home: string, keys: HiveKeys, now: () => number) {
    this.#folder = join(home, "members");
    this.#keys = keys;
    this.#now = now;
  }

  #path(worker: string): string {
    return join(this.#folder, worker);
  }

  #kept(worker: string): Kept | undefined {
    const path = this.#path(worker);
    if (!existsSync(path)) return undefined;
    const read = Kept.safeParse(JSON.parse(readFileSync(path, "utf8")));
    return read.success ? read.data : undefined;
  }

  /** Mints, seals and keeps a machine's ticket; gives its block. For the same box it is the same one again. */
  async issue({ worker, box, role, expiresAt, follows }: Issue): Promise<string> {
    const before = this.#kept(worker);
    if (before?.box === box) return before.block;
    const root = createRoot(this.#keys.ticket.key);
    const usual: readonly Right[] = rightsFor(role as Role, worker);
    const first = follows && before?.rights;
    const rights = first
      ? usual.filter(({ path, verb }) => first.some((one) => one.path === path && one.verb === verb))
      : usual;
    const token = await mint(root, {
      subject: worker,
      role: role as Role,
      hive: this.#keys.hive,
      rights: [...rights],
      issuedAt: this.#now(),
      ...(expiresAt !== undefined && { expiresAt }),
    });
    const { blocks } = await describe(token, { rootPublicKeys: [root.publicKey] });
    const block = blocks[0]?.id ?? "";
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const kept: Kept = { box, block, sealed: sealFor(box, token), rights: [...rights] };
    replacePrivate(this.#path(worker), `${JSON.stringify(kept)}\n`);
    return block;
  }

  sealed(worker: string): string | undefined {
    return this.#kept(worker)?.sealed;
  }

  /** Nothing of a machine that is gone needs to stay. */
  forget(worker: string): void {
    rmSync(this.#path(worker), { force: true });
  }
}

/** What the provider of `/net` is given in a running hive. */
export function peersDeps(
  members: Members,
  { hive, identity }: Pick<HiveKeys, "hive" | "identity">,
  mesh: Pick<PeersDeps, "engage" | "path" | "self" | "volunteers" | "wanted">,
): PeersDeps {
  return {
    worker: workerName,
    proves: (line, invite) => provesKey(line, invite, hive),
    issue: (issue) => members.issue(issue),
    code: (key, invite) => joinCode(identity.publicKey, key, invite),
    sealed: (worker) => members.sealed(worker),
    ...mesh,
  };
}
