import type { Deciding, Decision } from "@skep/kernel";
import { z } from "zod";
import { fault } from "./faults.ts";
import { checkChunk, checkRoom, type Limits } from "./files.ts";
import { emit, type Found, type Updates } from "./state.ts";

/** One line of an update's `ctl`. */
export const Command = z
  .discriminatedUnion("op", [
    z.strictObject({ op: z.literal("finish") }),
    z.strictObject({ op: z.literal("retire") }),
  ])
  .meta({ id: "UpdateCommand" });

type At = Deciding<Updates>;

/** What the last byte of a chunk means. */
export function decideChunk(bytes: number, at: At, limits: Limits): Decision {
  const { epoch = "", digest = "" } = at.params;
  checkChunk(bytes, at, limits);
  return { events: [emit("chunk@1", { epoch, digest, bytes })] };
}

const checking = (epoch: string): Decision => ({
  events: [emit("checking@1", { epoch })],
  effects: [{ kind: "check", args: { epoch } }],
});

/** What the last byte of a manifest means. */
export function decideManifest(at: At, limits: Limits): Decision {
  const { epoch = "" } = at.params;
  checkRoom(at, limits);
  const stage = at.state.epochs.get(epoch)?.stage ?? "chunks";
  if (stage !== "chunks") throw fault.fixed(epoch);
  return checking(epoch);
}

/** Decides one line. */
export function decide({ op }: z.output<typeof Command>, { state, params }: At): Decision {
  const { epoch = "" } = params;
  const update = state.epochs.get(epoch);
  if (!update) throw fault.none(epoch);
  if (op === "finish")
    return update.stage === "pending"
      ? { ...checking(epoch), result: { state: "checking" } }
      : { events: [], result: { state: update.stage } };
  const needed = [...state.epochs.entries()].find(([, { base }]) => base === epoch);
  if (needed) throw fault.base(`${needed[0]} stands on ${epoch}`);
  return { events: [emit("retired@1", { epoch })], effects: [{ kind: "sweep", args: { epoch } }] };
}

function checked(epoch: string, found: Found, { epochs }: Updates): Decision {
  // Its base may have been retired while it was checked.
  const stands = found.base === "" || epochs.get(found.base)?.stage === "ready";
  const bad =
    found.stage === "ready" && !stands && ({ stage: "quarantined", reason: "updates.base" } as const);
  return { events: [emit("checked@1", { epoch, ...found, ...bad })] };
}

/** What an effect's end means. */
export function outcome(kind: string, args: unknown, result: unknown, { state }: At): Decision {
  const { epoch } = args as { readonly epoch: string };
  // Retired while it was checked.
  if (kind === "check" && state.epochs.get(epoch)?.stage !== "checking") return { events: [] };
  const { ok } = result as { readonly ok?: unknown };
  if (kind === "check" && ok) return checked(epoch, ok as Found, state);
  // It may be asked for again.
  if (kind === "check") return { events: [emit("unchecked@1", { epoch })] };
  if (kind === "sweep" && ok) {
    const { digests, more } = ok as { readonly digests: readonly string[]; readonly more: boolean };
    return {
      events: digests.length > 0 ? [emit("swept@1", { digests })] : [],
      effects: [
        ...(digests.length > 0 ? [{ kind: "unlink", args: { digests: [...digests] } }] : []),
        ...(more ? [{ kind: "sweep", args: { epoch } }] : []),
      ],
    };
  }
  return { events: [] };
}
