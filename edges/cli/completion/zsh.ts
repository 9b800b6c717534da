import type { Model } from "./model.ts";
import { sharedFunctions, sharedWalk } from "./tables.ts";

/** A completion script for zsh: a file `_skep` in fpath, or to be sourced after compinit. */
export function zshScript(model: Model): string {
  const { program } = model;
  const fn = `_${program}`;
  return `#compdef ${program}
# zsh completion of ${program}; made by "${program} completion zsh"

${sharedFunctions(model, "described")}
${fn}() {
  local _word _cur _command= _position=0 _pending= _ended= _prefix= _reply _kind _after_help=
  local -a _before _list _found
  _cur=\${words[CURRENT]}
  _before=("\${(@)words[2,CURRENT-1]}")
  [[ \${_before[1]} == help ]] && _after_help="\${_before[2,-1]}"
${sharedWalk(model)}
  if [[ -n $_prefix ]]; then compset -P '*='; fi
  if [[ $_kind == list ]]; then
    _describe -t values value _list
    return
  fi
  case $_reply in
    file) _files ;;
    directory) _files -/ ;;
    words\\ *) _list=(\${=_reply#words }); compadd -a _list ;;
    dynamic)
      _found=(\${(f)"$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
      _found=("\${(@)_found%%$'\\t'*}")
      _found=("\${(@)_found#$_prefix}")
      compadd -S '' -a _found
      ;;
  esac
}

if [[ \${funcstack[1]} == ${fn} ]]; then ${fn} "$@"; else compdef ${fn} ${program}; fi
`;
}
