import { type Action, type FlagModel, type Model, quoteSh } from "./model.ts";

/** An action as one string that the script's own `case` takes apart. */
export function actionText(action: Action): string {
  return action.kind === "words" ? `words ${action.words.join(" ")}` : action.kind;
}

function flagCases(command: string, flags: readonly FlagModel[]): string[] {
  return flags.flatMap(({ name, short, action }) => {
    if (!action) return [];
    const names = short ? [`--${name}`, `-${short}`] : [`--${name}`];
    const patterns = names.map((each) => (command === "*" ? `*:${each}` : quoteSh(`${command}:${each}`)));
    return [`    ${patterns.join("|")}) _reply=${quoteSh(actionText(action))} ;;`];
  });
}

/** The functions that bash and zsh share: they set `_reply`, or return 1 where there is nothing. */
export function sharedFunctions(model: Model, listing: "plain" | "described"): string {
  const fn = `_${model.program}`;
  const flagCase = [
    ...flagCases("*", model.globals),
    ...model.commands.flatMap(({ name, flags }) => flagCases(name, flags)),
  ];
  const argCase = model.commands.flatMap(({ name, args, passthrough }) =>
    args.map(({ action, rest }, at) => {
      const pattern = rest ? `${quoteSh(`${name}:`)}*` : quoteSh(`${name}:${at}`);
      const behind = passthrough && at > 0 ? "file" : actionText(action);
      return `    ${pattern}) _reply=${quoteSh(behind)} ;;`;
    }),
  );
  const item = (word: string, doc: string) =>
    quoteSh(listing === "plain" ? word : `${word.replaceAll(":", "\\:")}:${doc}`);
  const nextCase = model.families.map(
    ({ words, next }) =>
      `    ${quoteSh(words)}) _list=(${next.map(({ word, doc }) => item(word, doc)).join(" ")}) ;;`,
  );
  const flagList = model.commands
    .filter(({ flags }) => flags.length > 0)
    .map(
      ({ name, flags }) =>
        `    ${quoteSh(name)}) _list+=(${flags.map((flag) => item(`--${flag.name}`, flag.doc)).join(" ")}) ;;`,
    );
  const through = model.commands.filter(({ passthrough }) => passthrough).map(({ name }) => quoteSh(name));
  const globals = model.globals.map((flag) => item(`--${flag.name}`, flag.doc)).join(" ");
  const func = (name: string, body: readonly string[]) => `${fn}_${name}() {\n${body.join("\n")}\n}\n`;
  const match = (on: string, cases: readonly string[], otherwise: string) => [
    `  case ${on} in`,
    ...cases,
    ...(otherwise ? [`    *) ${otherwise} ;;`] : []),
    "  esac",
  ];
  return [
    func("value", match('"$1:$2"', flagCase, "return 1")),
    func("arg", match('"$1:$2"', argCase, "return 1")),
    func("next", match('"$1"', nextCase, "return 1")),
    func("flags", [`  _list=(${globals})`, ...(flagList.length > 0 ? match('"$1"', flagList, "") : [])]),
    func(
      "passes",
      through.length > 0
        ? match('"$1"', [`    ${through.join("|")}) return 0 ;;`], "return 1")
        : ["  return 1"],
    ),
  ].join("\n");
}

/** The walk over the finished words, the same text in bash and zsh; `_words` holds them, the last is at the cursor. */
export function sharedWalk(model: Model): string {
  const fn = `_${model.program}`;
  return `  for _word in "\${_before[@]}"; do
    if [[ -n $_pending ]]; then _pending=
    elif [[ -z $_ended && $_word == -- ]]; then _ended=1
    elif [[ -z $_ended && $_word == -?* ]]; then
      if [[ $_word != *=* ]] && ${fn}_value "$_command" "$_word"; then _pending=$_word; fi
    elif ${fn}_next "$_command"; then _command="\${_command:+$_command }$_word"
    else
      _position=$((_position + 1))
      if ${fn}_passes "$_command"; then _ended=1; fi
    fi
  done
  _reply= _kind=
  if [[ -n $_pending ]]; then ${fn}_value "$_command" "$_pending"
  elif [[ -z $_ended && $_cur == --*=* ]]; then
    ${fn}_value "$_command" "\${_cur%%=*}"
    _prefix="\${_cur%%=*}="
    _cur="\${_cur#*=}"
  elif [[ -z $_ended && $_cur == -* ]]; then ${fn}_flags "$_command"; _kind=list
  elif ${fn}_next "$_command"; then _kind=list
  elif [[ $_command == help ]]; then
    ${fn}_next "\${_after_help# }"; _kind=list
  else ${fn}_arg "$_command" "$_position"
  fi`;
}
