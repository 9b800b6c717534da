import { toFault } from "@skep/fault";
import { foldOn, loadNearest, type Nearest } from "../core/recover.ts";
import { usable } from "../core/snapshot.ts";
import type { Slices } from "../core/slices.ts";
import type { Journal } from "../journal/journal.ts";
import type { Provider } from "../state/provider.ts";
import type { Files } from "../store/files.ts";
import { PastTree } from "./past-tree.ts";
import { AskingCaller, type PastAnswer, type PastQuestion } from "./question.ts";

/** What folding apart from the live state needs. */
export interface PastOptions {
  readonly files: Files;
  /** The journal, opened to read, with at least the records below `next`. */
  readonly journal: (next: number) => Promise<Journal>;
  /** The program's providers over that journal, with nothing live behind them. */
  readonly providers: (journal: Journal) => readonly Provider[];
  readonly version: string;
  /** States that are kept for further questions; each is as large as the hive's. */
  readonly keep?: number;
}

async function answerIn(tree: PastTree, question: PastQuestion, caller: AskingCaller): Promise<PastAnswer> {
  const { op, path } = question;
  if (op === "kind") return { kind: await tree.kind(path, caller) };
  if (op === "list") return { entries: await tree.list(path, caller) };
  return { bytes: await tree.read(path, caller) };
}

/** A state that was folded for a question. */
interface Held {
  readonly tree: Promise<PastTree>;
  /** Questions that look at it; only what nobody looks at may be folded on. */
  uses: number;
  /** Set once it is there. */
  state: { readonly slices: Slices; readonly journal: Journal } | undefined;
}

/** Answers questions about the past; meant to live in a thread of its own. */
export class Past {
  readonly #options: PastOptions;
  readonly #held = new Map<number, Held>();

  constructor(options: PastOptions) {
    this.#options = options;
  }

  /** Never rejects: a refusal is an answer too. */
  async answer(question: PastQuestion): Promise<PastAnswer> {
    const caller = new AskingCaller(question);
    const asked = (): PastAnswer | undefined =>
      caller.asked.size > 0 ? { asked: [...caller.asked] } : undefined;
    const held = this.#at(question.seq);
    held.uses += 1;
    try {
      const answer = await answerIn(await held.tree, question, caller);
      return asked() ?? answer;
    } catch (thrown) {
      const { kind, code, message, cause } = toFault(thrown);
      return asked() ?? { error: { kind, code, message: cause ? `${message} (${String(cause)})` : message } };
    } finally {
      held.uses -= 1;
    }
  }

  #at(seq: number): Held {
    const held = this.#held.get(seq) ?? this.#begin(seq);
    this.#held.delete(seq);
    this.#held.set(seq, held);
    for (const old of this.#held.keys()) {
      if (this.#held.size <= (this.#options.keep ?? 2)) break;
      this.#held.delete(old);
    }
    return held;
  }

  #begin(seq: number): Held {
    const tree = this.#fold(seq).then(({ slices, journal, time }) => {
      held.state = { slices, journal };
      return new PastTree(slices, { seq, time });
    });
    const held: Held = { tree, uses: 0, state: undefined };
    tree.catch(() => this.#held.delete(seq));
    return held;
  }

  async #fold(
    seq: number,
  ): Promise<{ readonly slices: Slices; readonly journal: Journal; readonly time: number }> {
    const journal = await this.#options.journal(seq + 1);
    const { slices, from } = await this.#nearest(seq, journal);
    await foldOn(slices, journal, from, seq + 1);
    return { slices, journal, time: (await journal.record(seq)).time };
  }

  /** The state to fold on from: one of an earlier moment that nobody looks at any more, unless a snapshot is nearer. */
  async #nearest(seq: number, journal: Journal): Promise<Nearest> {
    const { files, version } = this.#options;
    const fits = ([at, { uses, state }]: readonly [number, Held]): boolean =>
      at < seq && uses === 0 && state !== undefined && state.journal.segments.records > seq;
    const code = [...this.#held.values()].find(({ state }) => state)?.state?.slices.code;
    const pointer = code === undefined ? undefined : await usable(files, journal, code, seq + 1);
    // Nothing waits from here to the removal: no question can begin to look at what is taken.
    const [at = -1, held] = [...this.#held].filter(fits).sort(([one], [other]) => other - one)[0] ?? [];
    if (held?.state && at + 1 >= (pointer?.seq ?? 0)) {
      this.#held.delete(at);
      return { slices: held.state.slices, from: at + 1 };
    }
    return loadNearest(files, journal, this.#options.providers(journal), version, seq + 1);
  }
}
