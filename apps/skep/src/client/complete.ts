import type { Completer } from "@skep/edge-cli";
import { connect, targetOf } from "./connect.ts";
import { listContexts } from "./contexts.ts";
import { below, list } from "./tree.ts";

/** Nobody waits longer for a completion, milliseconds. */
const patience = 300;

/** Paths of the hive, by asking it; none when it does not answer in time. */
export const completePath: Completer = async (word, context) => {
  if (!word.startsWith("/")) return [];
  const stop = new AbortController();
  const timer = context.io.clock.after(patience, () => stop.abort());
  try {
    await using client = await connect(targetOf(context), stop.signal);
    const dir = word.slice(0, word.lastIndexOf("/")) || "/";
    const found = await list(client, dir, stop.signal);
    return found.map(({ name, kind }) => below(dir, name) + (kind === "dir" ? "/" : ""));
  } finally {
    timer.stop();
  }
};

/** Names of contexts. */
export const completeContext: Completer = async (_word, { io }) => listContexts(io.env);
