import type { Context } from "@skep/edge-cli";
import { findHome } from "../config/mod.ts";
import { userHome } from "../person.ts";
import { homeOf } from "./connect.ts";

const quoted = (text: string): string =>
  /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Commands in a text, each in backticks as in `skep up`, as they work where this one was typed: with `npx` before them
 * when that started it, and with the home when it is not the usual one.
 */
export function asTyped(context: Pick<Context, "global" | "io">, text: string): string {
  const { env } = context.io;
  const home = homeOf(context);
  const usual = findHome({ flag: undefined, env: { ...env, SKEP_HOME: undefined }, userHome });
  const program = env.npm_command === "exec" ? "npx skep" : "skep";
  const rest = home === usual ? "" : ` --home ${quoted(home)}`;
  return text.replace(/`skep ([^`]+)`/g, (_, words: string) => `\`${program} ${words}${rest}\``);
}
