import { isAbsolute, join } from "node:path";

/** Where a machine that joined keeps what is its own: `$XDG_STATE_HOME/skep-worker`. */
export function defaultNodeFolder(
  env: Readonly<Record<string, string | undefined>>,
  userHome: string,
): string {
  const state = env.XDG_STATE_HOME;
  return join(state && isAbsolute(state) ? state : join(userHome, ".local", "state"), "skep-worker");
}
