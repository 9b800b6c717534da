import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Context } from "@skep/edge-cli";
import { findHome } from "../config/mod.ts";
import { userHome } from "../person.ts";
import { homeOf } from "./connect.ts";

const quoted = (text: string): string =>
  /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/**
 * How the program is called where this was typed: through `npx` when that started it, and in a clone that is on nobody's
 * path.
 */
export function programTyped(env: Context["io"]["env"]): string {
  const dirs = env.PATH?.split(delimiter);
  const unknown = dirs !== undefined && !dirs.some((dir) => existsSync(join(dir || ".", "skep")));
  return env.npm_command === "exec" || unknown ? "npx skep" : "skep";
}

/**
 * Commands in a text, each in backticks as in `skep up`, as they work where this one was typed: with `npx` before them
 * when that started it, and with the home when it is not the usual one.
 */
export function asTyped(context: Pick<Context, "global" | "io">, text: string): string {
  const { env } = context.io;
  const home = homeOf(context);
  const usual = findHome({ flag: undefined, env: { ...env, SKEP_HOME: undefined }, userHome });
  const program = programTyped(env);
  const rest = home === usual ? "" : ` --home ${quoted(home)}`;
  return text.replace(/`skep ([^`]+)`/g, (_, words: string) => `\`${program} ${words}${rest}\``);
}
