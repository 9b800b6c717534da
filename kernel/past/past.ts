import { toFault } from "@skep/fault";
import { foldTo } from "../core/recover.ts";
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

/** Answers questions about the past; meant to live in a thread of its own. */
export class Past {
  readonly #options: PastOptions;
  readonly #trees = new Map<number, Promise<PastTree>>();

  constructor(options: PastOptions) {
    this.#options = options;
  }

  /** Never rejects: a refusal is an answer too. */
  async answer(question: PastQuestion): Promise<PastAnswer> {
    const caller = new AskingCaller(question);
    const asked = (): PastAnswer | undefined =>
      caller.asked.size > 0 ? { asked: [...caller.asked] } : undefined;
    try {
      const answer = await answerIn(await this.#tree(question.seq), question, caller);
      return asked() ?? answer;
    } catch (thrown) {
      const { kind, code, message, cause } = toFault(thrown);
      return asked() ?? { error: { kind, code, message: cause ? `${message} (${String(cause)})` : message } };
    }
  }

  #tree(seq: number): Promise<PastTree> {
    const known = this.#trees.get(seq);
    const tree = known ?? this.#fold(seq);
    this.#trees.delete(seq);
    this.#trees.set(seq, tree);
    if (known) return tree;
    tree.catch(() => this.#trees.delete(seq));
    for (const old of this.#trees.keys()) {
      if (this.#trees.size <= (this.#options.keep ?? 2)) break;
      this.#trees.delete(old);
    }
    return tree;
  }

  async #fold(seq: number): Promise<PastTree> {
    const { files, version } = this.#options;
    const journal = await this.#options.journal(seq + 1);
    const slices = await foldTo(files, journal, this.#options.providers(journal), version, seq + 1);
    return new PastTree(slices, { seq, time: (await journal.record(seq)).time });
  }
}
