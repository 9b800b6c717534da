import type { Deciding, Decision, Json } from "@skep/kernel";
import { z } from "zod";
import { fault } from "./faults.ts";
import { checkChunk, checkOrder, checkSerial, type Limits, type Uses } from "./files.ts";
import { digestForm, nameForm } from "./manifest.ts";
import { type Active, emit, type FileName, type Found, mostNames, type Models, nothing } from "./state.ts";

/** One line of a model's `ctl`. */
export const ModelCommand = z
  .discriminatedUnion("op", [
    z.strictObject({ op: z.literal("finish") }),
    z.strictObject({ op: z.literal("retire") }),
  ])
  .meta({ id: "ModelCommand" });

const Id = z.string().regex(/^\w[\w.-]{0,63}$/);

/** One line of `/models/ctl`. */
export const ModelsCommand = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("activate"),
      /** A name, or a digest; an empty one lets none be active. */
      model: z.union([Id, z.literal("")]),
      /** What has to be active before; else it is refused. */
      from: z.union([Id, z.literal("")]).optional(),
    }),
    z.strictObject({ op: z.literal("rollback") }),
  ])
  .meta({ id: "ModelsCommand" });

type At = Deciding<Models, Uses>;

const checking = (model: string): Decision => ({
  events: [emit("checking@1", { model })],
  effects: [{ kind: "check", args: { model } }],
});

/** What the last byte of a file means. */
export function decideFile(file: FileName, bytes: number, { state, params }: At, limits: Limits): Decision {
  const { model = "" } = params;
  const known = state.models.get(model);
  // Asked again: somebody else may have brought it meanwhile.
  checkOrder(state, model, file, limits);
  const signed = file === "signature" && known?.files.manifest !== undefined;
  return {
    events: [emit("file@1", { model, file, bytes })],
    ...(signed && { effects: [{ kind: "check", args: { model } }] }),
  };
}

/** What the last byte of a chunk means. */
export function decideChunk(bytes: number, at: At, limits: Limits): Decision {
  const { model = "", digest = "" } = at.params;
  checkChunk(at, limits);
  return { events: [emit("chunk@1", { model, digest, bytes })] };
}

/** Decides one line of a model's `ctl`. */
export function decideModel({ op }: z.output<typeof ModelCommand>, { state, params }: At): Decision {
  const { model = "" } = params;
  const known = state.models.get(model);
  if (!known) throw fault.none(model);
  if (op === "finish")
    return known.stage === "pending"
      ? { ...checking(model), result: { state: "checking" } }
      : { events: [], result: { state: known.stage } };
  if (state.pointer.get().model === model) throw fault.active(known.name);
  return { events: [emit("retired@1", { model })], effects: [{ kind: "sweep", args: { model } }] };
}

/** Public keys in hex that count now. */
type Keys = readonly string[];

function ownOf(state: Models, model: string, keys: Keys): Active {
  const known = state.models.get(model);
  if (!known) throw fault.none(model);
  if (known.stage !== "ready") throw fault.unready(`${known.name || model} is ${known.stage}`);
  // It was verified by a key that nobody trusts here any more.
  if (!keys.includes(known.key)) throw fault.signature(known.name);
  return { id: known.name, model };
}

/** What a name or a digest means: a verified model of this hive, or one that a bridge published. */
function resolve(id: string, { state, views }: At, keys: Keys): Active {
  if (id === "") return nothing;
  if (digestForm.test(id)) return ownOf(state, id, keys);
  const release = state.names.get(id);
  if (release && release.model !== "") return ownOf(state, release.model, keys);
  if (views.bridged.manifest(id) === undefined) throw fault.none(id);
  return { id, model: "" };
}

function checkBase({ model }: Active, { state, views }: At): void {
  const base = state.models.get(model)?.base ?? "";
  if (base === "") return;
  const release = state.names.get(base);
  const here = release !== undefined && state.models.get(release.model)?.stage === "ready";
  if (!here && views.bridged.manifest(base) === undefined) throw fault.base(base);
}

/** Lets a model be the active one, in one record: whoever reads the pointer sees the one before or this one. */
export function activate(id: string, at: At, keys: Keys, from?: string): Decision {
  const now = at.state.pointer.get();
  if (from !== undefined && from !== now.id && from !== now.model) throw fault.moved(now.id || "none");
  const to = resolve(id, at, keys);
  checkBase(to, at);
  const result: Json = { active: to.id, model: to.model, before: now.id };
  // Said again it changes nothing.
  if (to.id === now.id && to.model === now.model) return { events: [], result };
  return { events: [emit("activated@1", to)], result };
}

/** Decides one line of `/models/ctl`. */
export function decide(command: z.output<typeof ModelsCommand>, at: At, keys: Keys): Decision {
  if (command.op === "activate") return activate(command.model, at, keys, command.from);
  const { id, before } = at.state.pointer.get();
  const to = before.at(-1);
  if (!to) throw fault.before();
  if (to.model !== "") ownOf(at.state, to.model, keys);
  return {
    events: [emit("returned@1", {})],
    result: { active: to.id, model: to.model, before: id },
  };
}

/** Decides what was appended to `/gpu/models/active`: an id and nothing else. */
export function decideActive(text: string, at: At, keys: Keys): Decision {
  const id = text.trim();
  if (id !== "" && !nameForm.test(id) && !digestForm.test(id)) throw fault.none(id);
  return activate(id, at, keys);
}

function checked(model: string, found: Found, { state }: At): Decision {
  const isNew = !state.names.has(found.name) && state.names.size >= mostNames;
  let bad = isNew ? "models.many" : "";
  try {
    if (found.stage !== "quarantined") checkSerial(state, { ...found, model });
  } catch {
    bad = "models.replay";
  }
  const end: Found = bad === "" ? found : { ...found, stage: "quarantined", reason: bad };
  return { events: [emit("checked@1", { model, ...end })] };
}

/** What an effect's end means. */
export function outcome(kind: string, args: unknown, result: unknown, at: At): Decision {
  const { model } = args as { readonly model: string };
  const { ok } = result as { readonly ok?: unknown };
  if (kind === "check") {
    // Retired while it was checked.
    if (at.state.models.get(model)?.stage !== "checking") return { events: [] };
    // What could not be looked at may be asked for again.
    return ok ? checked(model, ok as Found, at) : { events: [emit("unchecked@1", { model })] };
  }
  if (kind !== "sweep" || !ok) return { events: [] };
  const { digests, more } = ok as { readonly digests: readonly string[]; readonly more: boolean };
  return {
    events: digests.length > 0 ? [emit("swept@1", { digests })] : [],
    effects: [
      ...(digests.length > 0 ? [{ kind: "unlink", args: { digests: [...digests] } }] : []),
      ...(more ? [{ kind: "sweep", args: { model } }] : []),
    ],
  };
}
