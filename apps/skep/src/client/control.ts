import { Fault, type FaultKind, kinds } from "@skep/fault";
import type { Answer } from "@skep/kernel";
import type { Client, RemoteFile } from "@skep/ninep";

function answerIn(line: string): Answer | undefined {
  try {
    const found = JSON.parse(line) as Answer;
    return ["ok", "refused", "waiting"].includes(found.verdict) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** An answer that is no success, as the fault that it was in the hive; undefined for `ok`. */
export function faultOf({ verdict, kind, code, message, next }: Answer): Fault | undefined {
  if (verdict === "ok") return undefined;
  const known = kind !== undefined && kind in kinds ? (kind as FaultKind) : "internal";
  const extra = next === undefined ? {} : { cure: next };
  return new Fault(known, code ?? "internal", message ?? "Cannot go on: the hive refused", extra);
}

/** A file that lines are appended to, and what it answers to each. */
export class Appender {
  readonly #file: RemoteFile;
  /** Only a control has nothing to read before it was written to. */
  readonly #answers: boolean;

  private constructor(file: RemoteFile, answers: boolean) {
    this.#file = file;
    this.#answers = answers;
  }

  /** Opens a walked file, for reading its answers too where the ticket allows that. */
  static async open(file: RemoteFile, signal?: AbortSignal): Promise<Appender> {
    try {
      await file.open("readWrite", { signal });
    } catch (thrown) {
      if (!(thrown instanceof Fault) || !["denied", "refused"].includes(thrown.kind)) throw thrown;
      // A ticket that may write and not read.
      await file.open("append", { signal });
      return new Appender(file, false);
    }
    const before = await file.read(0, 1, { signal });
    return new Appender(file, before.length === 0);
  }

  async #answer(signal?: AbortSignal): Promise<Answer | undefined> {
    if (!this.#answers) return undefined;
    const bytes = await this.#file.read(0, this.#file.iounit, { signal });
    return answerIn(Buffer.from(bytes).toString("utf8").trimEnd());
  }

  /** The hive's answer to one line; a file that is no control answers nothing. Throws where nothing was answered. */
  async append(line: string, signal?: AbortSignal): Promise<Answer | undefined> {
    try {
      await this.#file.append(line, { signal });
    } catch (thrown) {
      const answer = await this.#answer(signal).catch(() => undefined);
      if (answer === undefined || answer.verdict === "ok") throw thrown;
      return answer;
    }
    return this.#answer(signal);
  }
}

/** Appends one line to a control and gives its answer; throws the fault of a refusal. */
export async function appendLine(
  client: Client,
  path: string,
  line: string,
  signal?: AbortSignal,
): Promise<Answer> {
  await using file = await client.walk(path, { signal });
  const appender = await Appender.open(file, signal);
  const answer = (await appender.append(line, signal)) ?? { verdict: "ok" };
  const refused = faultOf(answer);
  if (refused) throw refused;
  return answer;
}
