import type { Program } from "../program.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { modelOf } from "./model.ts";
import { zshScript } from "./zsh.ts";

/** The shells that a script can be made for. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

const writers = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** The completion script of a shell, generated from the table of commands. */
export function completionScript(program: Program, shell: Shell): string {
  return writers[shell](modelOf(program));
}
