import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { Fault, faults, type FaultKind, kinds } from "@skep/fault";
import type { Answer } from "@skep/kernel";
import type { RemoteFile } from "@skep/ninep";
import { connectOf } from "../client/connect.ts";

const fault = faults("echo", {
  words: ["invalid", "Cannot append: give at least one line, and then the path"],
  path: ["invalid", "Cannot append: the last word must be a path of the hive, beginning with /"],
});

/** Reads the lines of stdin, in order. */
async function* linesOfStdin({ io }: Context): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of io.stdin.chunks()) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.toString("utf8", 0, end);
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield rest.toString("utf8");
}

async function* linesFrom(context: Context, words: readonly string[]): AsyncGenerator<string> {
  for (const word of words)
    if (word === "-") yield* linesOfStdin(context);
    else yield word;
}

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

  static async open(file: RemoteFile, signal: AbortSignal): Promise<Appender> {
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

  async #answer(signal: AbortSignal): Promise<Answer | undefined> {
    if (!this.#answers) return undefined;
    const bytes = await this.#file.read(0, this.#file.iounit, { signal });
    return answerIn(Buffer.from(bytes).toString("utf8").trimEnd());
  }

  /** The hive's answer to one line; a file that is no control answers nothing. Throws what the hive refuses. */
  async append(line: string, signal: AbortSignal): Promise<Answer | undefined> {
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

async function show({ out }: Context, answer: Answer | undefined): Promise<void> {
  const { id, result, verdict } = answer ?? { verdict: "ok" as const };
  if (out.wantsJson) return out.json(answer ?? { verdict });
  if (verdict !== "ok") return;
  await out.line(
    toned("good", "ok"),
    id === undefined ? "" : ` ${id}`,
    result === undefined || result === null ? "" : ` ${JSON.stringify(result)}`,
  );
}

/** `skep echo`. */
export const echo: Command = command({
  name: "echo",
  group: "files",
  summary: "Append lines to a file of the hive and print its answers",
  doc: "Each LINE is one line; - stands for the lines of stdin. A refused line ends it, with the exit code of the refusal.",
  examples: [
    { run: `skep echo '{"spawn":"heartbeat","ticks":3}' /queen/ctl`, doc: "One command" },
    { run: "skep echo - /queen/ctl < commands.jsonl", doc: "One from each line of a file" },
  ],
  args: [
    {
      name: "line-and-path",
      kind: "string",
      doc: "The lines, and last the path",
      rest: true,
      completer: "path",
    },
  ],
  run: async (context) => {
    const words = context.args["line-and-path"];
    const path = words.at(-1) ?? "";
    if (words.length < 2) throw fault.words();
    if (!path.startsWith("/")) throw fault.path(path);
    const { signal } = context;
    await using client = await connectOf(context);
    await using file = await client.walk(path, { signal });
    const appender = await Appender.open(file, signal);
    for await (const line of linesFrom(context, words.slice(0, -1))) {
      const answer = await appender.append(line, signal);
      const refused = answer && faultOf(answer);
      if (refused && !context.out.wantsJson) throw refused;
      await show(context, answer);
      if (refused) return refused.row.exit;
    }
    return 0;
  },
});
