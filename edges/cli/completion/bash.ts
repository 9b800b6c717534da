import type { Model } from "./model.ts";
import { sharedFunctions, sharedWalk } from "./tables.ts";

/** A completion script for bash 4 and later; it needs no bash-completion. */
export function bashScript(model: Model): string {
  const { program } = model;
  const fn = `_${program}`;
  return `# bash completion of ${program}; made by "${program} completion bash"

${sharedFunctions(model, "plain")}
${fn}() {
  local _word _words=() _before _cur _command= _position=0 _pending= _ended= _prefix= _reply _kind _list=() _after_help= _i
  # Readline splits --flag=value at the equals sign; here it is one word again.
  for ((_i = 1; _i <= COMP_CWORD; _i++)); do
    _word=\${COMP_WORDS[_i]}
    if ((\${#_words[@]} > 0)) && [[ $_word == = && \${_words[-1]} == --* || \${_words[-1]} == --*= ]]; then
      _words[-1]+=$_word
    else
      _words+=("$_word")
    fi
  done
  _cur=\${_words[-1]}
  _before=("\${_words[@]:0:\${#_words[@]}-1}")
  [[ \${_before[0]} == help ]] && _after_help="\${_before[*]:1}"
${sharedWalk(model)}
  local IFS=$'\\n'
  if [[ $_kind == list ]]; then
    COMPREPLY=($(compgen -W "\${_list[*]}" -- "$_cur"))
    return
  fi
  case $_reply in
    file) compopt -o filenames; COMPREPLY=($(compgen -f -- "$_cur")) ;;
    directory) compopt -o filenames; COMPREPLY=($(compgen -d -- "$_cur")) ;;
    words\\ *) IFS=' '; _list=(\${_reply#words }); IFS=$'\\n'; COMPREPLY=($(compgen -W "\${_list[*]}" -- "$_cur")) ;;
    dynamic)
      COMPREPLY=()
      while IFS=$'\\t' read -r _word _; do
        COMPREPLY+=("$(printf %q "\${_word#"$_prefix"}")")
      done < <("\${COMP_WORDS[0]}" __complete -- "\${_words[@]}" 2>/dev/null)
      [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
      ;;
    *) COMPREPLY=() ;;
  esac
}

complete -F ${fn} ${program}
`;
}
