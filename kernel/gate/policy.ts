import type { Fault } from "@skep/fault";
import type { BlockBudget } from "../session/authority.ts";
import type { Act, ControlNode, Emitted, Json, Undo, ValueNode } from "../namespace/node.ts";

/** What a command does, as policies see it. */
export interface Acting {
  readonly name: string;
  readonly class: Undo;
  /** Whether it changes or destroys data. */
  readonly data: boolean;
  readonly act: Act | undefined;
}

/** The name of what a command does: what its control says, its `op`, or `write`. */
function nameOf(node: ControlNode, command: unknown): string {
  if (node.act) return node.act(command as never);
  const op = typeof command === "object" && command !== null && "op" in command ? command.op : undefined;
  return typeof op === "string" ? op : "write";
}

/** What writing a value is: undone by writing the former one, unless it tells otherwise. */
export function valueAct({ compensation }: ValueNode): Pick<Acting, "class" | "act"> {
  if (compensation === undefined) return { class: "reversible", act: undefined };
  return { class: "compensable", act: { class: "compensable", compensation } };
}

/** What a checked command does. An act that its control does not declare is irreversible. */
export function actOf(node: ControlNode | ValueNode, command: unknown): Acting {
  if (node.kind === "value") return { name: "write", data: false, ...valueAct(node) };
  const name = nameOf(node, command);
  const act = node.acts?.[name];
  if (act) return { name, class: act.class, data: act.data === true, act };
  return { name, class: node.acts ? "irreversible" : node.undo, data: false, act: undefined };
}

/** An intent as the policy engine sees it. */
export interface PolicyAsk {
  readonly path: string;
  readonly subject: string;
  readonly role: string;
  readonly blocks: readonly BlockBudget[];
  readonly expiresAt: number | undefined;
  /** The right that its control asks for beside `write`. */
  readonly right: string | undefined;
  /** Role as which policies see them; that of the ticket but for a few acts. */
  readonly as: string;
  readonly act: string;
  readonly class: Undo;
  readonly data: boolean;
  /** How a compensable act is set right, in words. */
  readonly compensation: string | undefined;
  readonly hive: string;
  readonly lifecycle: string;
  /** Hive time, milliseconds. */
  readonly now: number;
  /** The line as it came, for one that is stored; undefined where it may not be: secrets, uploads. */
  readonly line: string | undefined;
  readonly key: string | undefined;
  /** Why it is asked for, in the words of whoever asks. */
  readonly reason: string | undefined;
  /** The command as it is journalled. */
  readonly command: Json;
  /** Id of the waiting intent that is run now. */
  readonly waiting: string | undefined;
  /** Digest of the target as its control tells it. */
  target(): string;
  /** The sequence that its record will have. */
  next(): number;
  /** Chance of this intent, 32 bytes hex. */
  chance(): string;
  /** Label and machine class of what the command is about, and what the work that it hands in is for. */
  about(): { readonly label?: string; readonly machine?: string; readonly work?: string };
}

/** What policies say about an intent. `policy` names version and rules for the record. */
export type PolicyVerdict =
  | { readonly verdict: "allow"; readonly policy: string; readonly events: readonly Emitted[] }
  | { readonly verdict: "deny"; readonly policy: string; readonly fault: Fault }
  | {
      readonly verdict: "wait";
      readonly policy: string;
      /** The intent that waits already, if this is the same once more. */
      readonly known?: string;
      /** What stores a new one; its id is the sequence of the record. */
      readonly events: readonly Emitted[];
    };

/** An approved intent that is to run. */
export interface Approved {
  readonly id: string;
  readonly path: string;
  readonly line: string;
  readonly key: string | undefined;
  readonly subject: string;
  readonly role: string;
  readonly blocks: readonly BlockBudget[];
  readonly expiresAt: number | undefined;
  readonly right: string | undefined;
}

/** What judges by policy. A provider offers it as the view `policy`; pure but for what it remembers. */
export interface PolicyEngine {
  /** False while there is nothing to judge by: then nothing is asked. */
  readonly active: boolean;
  judge(ask: PolicyAsk): PolicyVerdict;
  /** Intents that are approved and have not run, oldest first; with hive time `now`, only those that may start by then. */
  due(now?: number): Iterable<Approved>;
  /** What tells that an approved intent could not run. */
  stale(id: string, fault: Fault): readonly Emitted[];
}
