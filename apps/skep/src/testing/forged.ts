import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canonical } from "@skep/canon";
import { printStatement } from "@skep/statement";
import type { Hive } from "../hive/hive.ts";

/** Pins one signer with the agent of a home. */
export function pin(home: string, signer: string): void {
  const folder = join(home, "agent");
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, "signers"), `ann,owner ${signer}\n`);
  writeFileSync(join(folder, "roles"), "ann operational\n");
}

/** Stores bytes in a hive whose gate nobody asks. */
export async function store({ kernel, storage }: Hive, text: string): Promise<string> {
  const digest = await storage.blobs.put(Buffer.from(text));
  kernel.system("cas", "/cas", { op: "store" }, () => ({
    events: [{ type: "stored@1", data: { digest, size: text.length, subject: "owner" } }],
  }));
  return digest;
}

/** Puts an action into the hive's state, with a signature on whatever statement it likes. */
export function forge({ kernel }: Hive, id: string, statement: string, signature: string): void {
  const seq = kernel.journal.next;
  kernel.system("policy", "/actions/queue", { op: "forge" }, () => ({
    events: [
      {
        type: "asked@1",
        data: {
          path: "/cas/ctl",
          act: "gc",
          class: "irreversible",
          line: '{"op":"gc"}',
          digest: "",
          key: null,
          role: "queen",
          blocks: [],
          expiresAt: null,
          right: null,
          target: "",
          needs: [],
          statement,
          expires: kernel.time.now() + 60_000,
        },
      },
    ],
  }));
  assert.equal(String(seq), id);
  kernel.system("policy", "/actions/queue", { op: "forge" }, () => ({
    events: [
      {
        type: "approved@1",
        data: { id, ready: false, signature, owners: ["ann"], role: "operational", blocks: [] },
      },
    ],
  }));
}

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A statement that lets exactly these blobs go, unless told otherwise. */
export function statementFor({ keys }: Hive, digests: readonly string[], more: object = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return printStatement({
    act: "cas.gc",
    target: "/cas/ctl",
    targetIdentity: `sha256:${sha256(canonical(["/cas/ctl", { dropped: [...digests] }]))}`,
    targetDigest: null,
    parameters: {},
    reason: "full disk",
    undo: "It cannot be undone",
    hive: keys.hive,
    policyVersion: "v0",
    notBefore: now - 5,
    notAfter: now + 600,
    nonce: sha256(JSON.stringify([digests, more])),
    role: "operational",
    action: "1",
    ...more,
  });
}

/** Stores bytes as an output of a job that retention lets go at the next gc, and no sweep before. */
export async function due(hive: Hive, text: string): Promise<string> {
  const { kernel, storage } = hive;
  const digest = await storage.blobs.put(Buffer.from(text));
  const nothing = { bytes: 0, inline: "" };
  const end = {
    reason: "exit",
    exit: 0,
    message: "",
    stdout: { bytes: text.length, digest },
    stderr: nothing,
    receipt: null,
    verified: false,
    peakBytes: 0,
  };
  kernel.system("cas", "/cas", { op: "store" }, () => ({
    events: [
      { type: "aged@1", data: { fresh: [], outputs: [], named: [], more: false } },
      { type: "stored@1", data: { digest, size: text.length, subject: "w" } },
    ],
  }));
  kernel.system("jobs", "/jobs", { op: "end" }, () => ({
    events: [{ type: "ended@1", data: { job: "0", worker: "w", state: "done", end } }],
  }));
  await kernel.settled();
  return digest;
}
