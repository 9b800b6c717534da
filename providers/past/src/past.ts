import { Fault, type FaultKind } from "@skep/fault";
import {
  type Below,
  type Caller,
  defineProvider,
  keyOfRight,
  type PastAnswer,
  type PastQuestion,
  type Provider,
  type Scene,
  tellRight,
} from "@skep/kernel";
import { Finder, type Records } from "./finder.ts";
import { Turns } from "./turns.ts";

/** What the app passes in. */
export interface PastDeps {
  /** Asked for at each use: the journal is open by then. */
  readonly journal: () => Records;
  /** Has a question answered in a thread that folds (the kernel's `Past`). */
  readonly ask: (question: PastQuestion) => Promise<PastAnswer>;
}

/** Foldings at a time (DESIGN §3), and how many more may wait. */
const atOnce = 2;
const mostWaiting = 64;
/** A path has at most 16 names, and each round knows the rights of the one before. */
const mostRounds = 24;

type Told = Exclude<PastAnswer, { readonly asked: unknown } | { readonly error: unknown }>;
type At = Scene<null>;

function toError({ kind, code, message }: { kind: FaultKind; code: string; message: string }): Error {
  // What the other thread did not raise is no fault here either: its cause goes to the log.
  if (kind === "internal") return new Error(message);
  return new Fault(kind, code, message, { detail: kind === "denied" ? "denied" : "invalid-path" });
}

// Reading a path asks for these at once; a round less for each name.
function foreseen(path: string, caller: Caller): Record<string, boolean> {
  const keys = [keyOfRight(path, "read")];
  for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1))
    keys.push(keyOfRight(path.slice(0, at)));
  return Object.fromEntries(keys.map((key) => [key, tellRight(caller, key)]));
}

class Asker {
  readonly #deps: PastDeps;
  readonly #finder: Finder;
  readonly #turns = new Turns(atOnce, mostWaiting);

  constructor(deps: PastDeps) {
    this.#deps = deps;
    this.#finder = new Finder(deps.journal);
  }

  find(name: string): number | undefined | Promise<number | undefined> {
    return this.#finder.find(name);
  }

  async ask(op: PastQuestion["op"], { params, caller }: At): Promise<Told> {
    const seq = await this.find(params.at ?? "");
    if (seq === undefined) throw new Error(`no record for ${params.at}`);
    const path = `/${params.below ?? ""}`;
    const { subject, role, session, blocks } = caller;
    const question = { op, seq, path, caller: { subject, role, session, blocks } };
    return this.#turns.take(() => this.#rounds(question, caller));
  }

  async #rounds(question: Omit<PastQuestion, "known">, caller: Caller): Promise<Told> {
    const known = foreseen(question.path, caller);
    for (let round = 0; round < mostRounds; round += 1) {
      const answer = await this.#deps.ask({ ...question, known });
      if ("error" in answer) throw toError(answer.error);
      if (!("asked" in answer)) return answer;
      for (const key of answer.asked) known[key] = tellRight(caller, key);
    }
    throw new Error(`no end of rights asked for at ${question.path}`);
  }
}

/** `/at/<seq|time>/…`: the journalled providers' files as they were, for who has the right `history`. */
export function pastProvider(deps: PastDeps): Provider {
  const asker = new Asker(deps);
  const visible = ({ caller }: At): boolean => caller.may("/at", "history");
  return defineProvider<null>({
    name: "past",
    doc: "The files as they were",
    journalled: false,
    initial: () => null,
    events: {},
    mounts: (t) => ({
      "/at": t.each(
        "The files as they were: by the sequence of a record, or by a time such as 2026-01-31T12:00:00Z",
        "at",
        {
          visible,
          list: () => [],
          has: (name) => {
            const seq = asker.find(name);
            return seq instanceof Promise ? seq.then((known) => known !== undefined) : seq !== undefined;
          },
        },
        t.subtree(
          "The files after one record",
          "below",
          {
            visible,
            at: async (scene) => {
              const told = await asker.ask("kind", scene);
              return "kind" in told ? told.kind : undefined;
            },
            list: async (scene): Promise<readonly Below[]> => {
              const told = await asker.ask("list", scene);
              return "entries" in told ? told.entries : [];
            },
          },
          t.text("A file as it was", {
            visible,
            right: "history",
            fixed: true,
            render: async (scene) => {
              const told = await asker.ask("read", scene);
              return "bytes" in told ? told.bytes : "";
            },
          }),
        ),
      ),
    }),
  });
}
