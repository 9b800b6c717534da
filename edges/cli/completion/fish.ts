import type { Action, FlagModel, Model } from "./model.ts";

/** A word for fish, whose single quotes know two escapes. */
function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function argumentsOf(program: string, action: Action): string {
  if (action.kind === "file") return "-F";
  if (action.kind === "directory") return "-f -a '(__fish_complete_directories)'";
  if (action.kind === "words") return `-f -a ${quote(action.words.join(" "))}`;
  return action.kind === "dynamic" ? `-f -a '(__${program}_ask)'` : "-f";
}

function flagLine(program: string, condition: string, { name, short, doc, action }: FlagModel): string {
  const letter = short ? ` -s ${short}` : "";
  const value = action ? ` -r ${argumentsOf(program, action)}` : "";
  return `complete -c ${program}${condition} -l ${name}${letter}${value} -d ${quote(doc)}`;
}

/** A completion script for fish 3.1 and later. */
export function fishScript(model: Model): string {
  const { program } = model;
  const valueFlags = (flags: readonly FlagModel[]) =>
    flags.flatMap(({ name, short, action }) =>
      action ? [`--${name}`, ...(short ? [`-${short}`] : [])] : [],
    );
  const taking = new Set([model.globals, ...model.commands.map(({ flags }) => flags)].flatMap(valueFlags));
  const through = model.commands.filter(({ passthrough }) => passthrough).map(({ name }) => quote(name));
  const when = (command: string, position: string) =>
    ` -n ${quote(`__${program}_at ${quote(command)} ${position}`)}`;
  const lines = [
    ...model.globals.map((flag) => flagLine(program, ` -n 'not __${program}_passed'`, flag)),
    ...model.families.flatMap(({ words, next }) =>
      next.flatMap(({ word, doc }) =>
        [words, ["help", words].filter(Boolean).join(" ")].map(
          (at) => `complete -c ${program}${when(at, "0")} -f -a ${quote(word)} -d ${quote(doc)}`,
        ),
      ),
    ),
    ...model.commands.flatMap(({ name, flags, args, passthrough }) => [
      ...flags.map((flag) => flagLine(program, when(name, "flag"), flag)),
      ...args.map(({ action, rest }, at) => {
        const shown: Action = passthrough && at > 0 ? { kind: "file" } : action;
        return `complete -c ${program}${when(name, rest ? "rest" : String(at))} ${argumentsOf(program, shown)}`;
      }),
    ]),
  ];
  return `# fish completion of ${program}; made by "${program} completion fish"

function __${program}_ask
    set -l tokens (commandline -opc) (commandline -ct)
    ${program} __complete -- $tokens[2..-1] 2>/dev/null
end

# Prints the words of the command on the first line, the number of arguments behind them on the second.
function __${program}_place
    set -l tokens (commandline -opc)
    set -l command
    set -l position 0
    set -l pending 0
    set -l ended 0
    for token in $tokens[2..-1]
        if test $pending = 1
            set pending 0
        else if test $ended = 0; and test "$token" = --
            set ended 1
        else if test $ended = 0; and string match -qr '^-.' -- $token
            contains -- $token ${[...taking].join(" ")}; and set pending 1
        else if contains -- "$command" ${model.families.map(({ words }) => quote(words)).join(" ")}
            set command (string join ' ' $command $token)
        else if test (string split ' ' -- $command)[1] = help
            set command (string join ' ' $command $token)
        else
            set position (math $position + 1)
            contains -- "$command" ${through.join(" ") || "''"}; and set ended 1
        end
    end
    echo "$command"
    echo $position
    echo $ended
end

function __${program}_passed
    test (__${program}_place)[3] = 1
end

function __${program}_at
    set -l place (__${program}_place)
    test "$place[1]" = "$argv[1]"; or return 1
    switch $argv[2]
        case flag
            test $place[3] = 0
        case rest
            true
        case '*'
            test $place[2] = $argv[2]
    end
end

complete -c ${program} -f
${lines.join("\n")}
`;
}
