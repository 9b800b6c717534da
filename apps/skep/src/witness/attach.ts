import type { Clock } from "@skep/clock";
import type { Journal } from "@skep/kernel";
import { createVerifier, printCheckpoint, type Signer, signNote } from "@skep/tlog";
import type { Config } from "../config/mod.ts";
import type { HiveKeys } from "../hive/keys.ts";
import { readWitnesses, Witnesses } from "./ask.ts";

/** What asks the witnesses of a hive in the background. */
export interface Asking {
  readonly witnesses: Witnesses;
  stop(): void;
}

interface Deps {
  readonly home: string;
  readonly config: Config;
  readonly keys: HiveKeys;
  readonly signer: Signer;
  readonly journal: () => Journal;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

/** The configured witnesses; undefined without any. Throws `witnesses.*`, `tlog.*`. */
export function configuredWitnesses(deps: Deps): Witnesses | undefined {
  const { home, config, keys, signer, journal, clock, say } = deps;
  const file = config.values["audit.witnesses"];
  if (file === "") return undefined;
  const own = createVerifier(keys.origin, Buffer.from(keys.log.publicKey, "hex"));
  const head = () => {
    const { tree } = journal();
    const { size } = tree;
    const text = printCheckpoint({ origin: keys.origin, size, root: tree.root() });
    return { checkpoint: signNote(text, [signer]), size };
  };
  const tile = (level: number, index: number, width: number) => journal().tree.tile(level, index, width);
  return new Witnesses(home, readWitnesses(file, own), { head, tile }, { say, now: () => clock.now() });
}

/** Asks again and again, each time the log has grown. */
export function askOn(witnesses: Witnesses, every: number, clock: Clock): Asking {
  const ends = new AbortController();
  const next = (): void => {
    void witnesses.ask(ends.signal).finally(() => {
      if (!ends.signal.aborted) clock.after(every, next);
    });
  };
  next();
  return { witnesses, stop: () => ends.abort() };
}
