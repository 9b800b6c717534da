import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import type { Answer } from "@skep/kernel";
import { connectOf } from "../client/connect.ts";
import { Appender, faultOf } from "../client/control.ts";

const fault = faults("echo", {
  words: [
    "invalid",
    "Cannot append: give at least one line, and then the path",
    { cure: 'As in: skep echo \'{"op":"drain"}\' /queen/lifecycle/ctl' },
  ],
  path: [
    "invalid",
    "Cannot append: the last word must be a path of the hive, beginning with /",
    { cure: "`skep ls /` shows the paths" },
  ],
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
