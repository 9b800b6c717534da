import { createInterface } from "node:readline/promises";
import { type Command, command, type Context } from "@skep/edge-cli";
import { type ConsoleLines, createConsoleLines } from "@skep/edge-console";
import { Fault, faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { parseReply, printRefusal } from "@skep/grammar";
import { connect, connectOf, targetOf } from "../client/connect.ts";
import { below, list } from "../client/tree.ts";
import { consoleSession } from "./session.ts";
import { typedLine, verbsFrom } from "./typed.ts";

const fault = faults("console", {
  role: ["denied", "Cannot attach without a ticket in another role than one's own", { detail: "denied" }],
});

/** The lines of stdin, one after the other; the rest behind the last newline too. */
async function* linesOf({ io }: Context): AsyncGenerator<string> {
  const text = new TextDecoder();
  let rest = "";
  for await (const chunk of io.stdin.chunks()) {
    const parts = (rest + text.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts.map((line) => line.replace(/\r$/, ""));
  }
  if (rest !== "") yield rest;
}

/** What people type at a terminal, with history and completion; Ctrl-D ends it. */
async function* typedLines(client: Client, signal: AbortSignal): AsyncGenerator<string> {
  const completer = async (line: string): Promise<[string[], string]> => {
    const [, head = "", word = ""] = /^(.*\s)?(\S*)$/.exec(line) ?? [];
    if (head === "") return [verbsFrom(word).map((verb) => `${verb} `), word];
    if (!word.startsWith("/")) return [[], word];
    const dir = word.slice(0, word.lastIndexOf("/")) || "/";
    // What cannot be listed completes to nothing.
    const names = await list(client, dir, signal).catch(() => []);
    const found = names.map(({ name, kind }) => below(dir, name) + (kind === "dir" ? "/" : ""));
    return [found.filter((path) => path.startsWith(word)), word];
  };
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: true,
    historySize: 500,
    removeHistoryDuplicates: true,
    completer,
  });
  // A ticket is not brought back by an arrow key.
  terminal.on("history", (history: string[]) => {
    if (/^\s*(attach|login)\s+\S+\s+\S/i.test(history[0] ?? "")) history.shift();
  });
  terminal.setPrompt("skep> ");
  try {
    terminal.prompt();
    for await (const line of terminal) {
      yield line;
      terminal.prompt();
    }
  } finally {
    terminal.close();
  }
}

/** The answer to what was typed; what the grammar does not know is a refusal as well. */
async function answerTo(lines: ConsoleLines, typed: string): Promise<readonly string[]> {
  try {
    return await lines.ask(typedLine(typed));
  } catch (thrown) {
    if (thrown instanceof Fault) return [printRefusal("PARSE", thrown)];
    throw thrown;
  }
}

const isRefusal = (line: string): boolean => parseReply(line).status === "ERR";

async function show({ out }: Context, typed: string, answer: readonly string[]): Promise<void> {
  if (!out.wantsJson) return out.data(answer.map((line) => `${line}\n`).join(""));
  const acks = answer.filter((line) => ["OK", "ERR"].includes(parseReply(line).status));
  const rest = answer.filter((line) => !acks.includes(line) && line !== "END");
  return out.json({ command: typed, ok: !acks.some(isRefusal), acks, lines: rest });
}

async function run(context: Context): Promise<number> {
  const { signal, io } = context;
  await using client = await connectOf(context);
  const told = String(await client.readAll("/proc/9p/session/self/role.json", { signal }));
  const { role } = JSON.parse(told) as { readonly role: string };
  const own = { session: consoleSession(client, signal), role };
  await using lines = createConsoleLines({
    clock: io.clock,
    attached: own,
    login: async (asked) => {
      const { ticket } = asked;
      if (ticket === undefined) {
        if (asked.role !== role) throw fault.role(asked.role);
        return own;
      }
      const other = await connect({ ...targetOf(context), aname: ticket }, signal);
      return { session: consoleSession(other, signal, true), limits: {} };
    },
  });
  const atTerminal = io.stdin.isTTY && context.out.isTTY && !context.out.wantsJson;
  let refused = false;
  for await (const typed of atTerminal ? typedLines(client, signal) : linesOf(context)) {
    if (typed.trim() === "") continue;
    const answer = await answerTo(lines, typed);
    refused = refused || answer.some(isRefusal);
    await show(context, typed, answer);
    if (lines.isOver) break;
  }
  return refused && !atTerminal ? 1 : 0;
}

/** `skep console`. */
export const consoleCommand: Command = command({
  name: "console",
  group: "files",
  summary: "Speak with the hive line by line, as with the console of the original",
  doc: "Lines from a pipe, or typed with history and completion at a terminal, over this session: its answers are those of the console edge, byte for byte. A line in capitals is the console's own; other words are what the original's client takes. Ends with 1 if a line of a pipe was refused.",
  examples: [
    { run: "skep console", doc: "Type HELP; Ctrl-D or QUIT ends it" },
    { run: "echo LOG | skep console", doc: "One line, and its answer" },
    { run: "skep console --json < lines.txt", doc: "One JSON object for each line" },
  ],
  run,
});
