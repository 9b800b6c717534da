import { suggest } from "@skep/text";
import { type Command, command } from "./command.ts";
import { completions } from "./complete.ts";
import { completionScript, shells } from "./completion/scripts.ts";
import { fault } from "./faults.ts";
import { commandPage, describeCommand, familyPage, programPage } from "./help.ts";
import type { Out } from "./out.ts";
import { family, findCommand, nextWords, type Program } from "./program.ts";

/** Shows the page of these words: the program's, a family's or a command's. Faults: `cli.command`. */
export async function showHelp(program: Program, words: readonly string[], out: Out): Promise<void> {
  const found = findCommand(program, words);
  const members = family(program, words).filter(({ hidden }) => !hidden);
  if (!found && members.length === 0) throw unknown(program, words);
  if (out.wantsJson) {
    const described = (found ? [found] : members).map((each) => describeCommand(program, each));
    return out.json({ name: program.name, version: program.version, commands: described });
  }
  const other = words.length > 0 ? familyPage(program, words, out.width) : programPage(program, out.width);
  const page = found ? commandPage(program, found, out.width) : other;
  for (const line of page) await out.line(...line);
}

function unknown(program: Program, words: readonly string[]) {
  let depth = 0;
  while (depth < words.length && family(program, words.slice(0, depth + 1)).length > 0) depth++;
  const known = words.slice(0, depth);
  const near = suggest(words[depth] ?? "", nextWords(program, known)).map(
    (word) => `"${[program.name, "help", ...known, word].join(" ")}"`,
  );
  const cure = near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `See ${program.name} help`;
  return fault.command(words.join(" "), { cure });
}

/**
 * The commands that read the table itself: `help`, `version`, `completion` and the hidden `__complete`. `table` gives
 * the finished program, of which they are part; `facts` is shown by `version`, such as the runtime's version.
 */
export function builtins(
  table: () => Program,
  name: string,
  group: string,
  facts: Readonly<Record<string, string>>,
): readonly Command[] {
  const help = command({
    name: "help",
    group,
    summary: "Show the commands, or how one of them is used",
    examples: [
      { run: `${name} help`, doc: "All commands, by task" },
      { run: `${name} help completion`, doc: "One command" },
    ],
    args: [
      {
        name: "command",
        kind: "string",
        doc: "Words of the command",
        optional: true,
        rest: true,
      },
    ],
    run: ({ args, out }) => showHelp(table(), args.command, out),
  });
  const version = command({
    name: "version",
    group,
    summary: "Show the version",
    examples: [{ run: `${name} version --json`, doc: "With what it runs on, as one JSON line" }],
    run: async ({ out, global }) => {
      if (out.wantsJson) return out.json({ name, version: table().version, ...facts });
      await out.line(`${name} ${table().version}`);
      if (global.verbose) for (const [key, value] of Object.entries(facts)) await out.line(`${key} ${value}`);
      return undefined;
    },
  });
  const completion = command({
    name: "completion",
    group,
    summary: "Print the completion script of a shell",
    doc: "The script goes to stdout; the examples show where each shell wants it. Paths of the hive are completed by asking the hive.",
    examples: [
      { run: `${name} completion bash > ~/.local/share/bash-completion/completions/${name}`, doc: "bash" },
      {
        run: `${name} completion zsh > ~/.zfunc/_${name}`,
        doc: "zsh, where ~/.zfunc is in fpath before compinit",
      },
      { run: `${name} completion fish > ~/.config/fish/completions/${name}.fish`, doc: "fish" },
    ],
    args: [{ name: "shell", kind: "choice", choices: shells, doc: "The shell" }],
    run: ({ args, out }) => {
      const script = completionScript(table(), args.shell);
      return out.wantsJson ? out.json({ shell: args.shell, script }) : out.data(script, { raw: true });
    },
  });
  const complete = command({
    name: "__complete",
    group,
    hidden: true,
    summary: "Finish a half-typed command line, for completion scripts",
    examples: [],
    args: [
      {
        name: "words",
        kind: "string",
        doc: "What is typed; the last is completed",
        rest: true,
        optional: true,
      },
    ],
    run: async (context) => {
      const found = await completions(table(), context.args.words, context);
      await context.out.data(found.map(({ word, doc }) => `${word}\t${doc}\n`).join(""), { raw: true });
    },
  });
  return [help, version, completion, complete];
}
