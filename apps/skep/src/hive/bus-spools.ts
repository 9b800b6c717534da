import { randomBytes } from "node:crypto";
import type { Files } from "@skep/kernel";
import type { BusSpool, OpenSpool } from "@skep/provider-buses";
import { realClock } from "../clock.ts";
import { recordHead, recordKinds } from "../spool/record.ts";
import { Spool } from "../spool/spool.ts";

const longestLine = 4096;

/** Spools of buses, below `buses/` of the home. */
export function busSpools(files: Files): OpenSpool {
  return async (bus, { entries, bytes }): Promise<BusSpool> => {
    // A quarter holds all that may wait and a line more, so that the provider's limit is the one that is met.
    const quarter = bytes + entries * recordHead + longestLine + recordHead;
    const spool = await Spool.open(files, {
      dir: `buses/${bus}`,
      most: 4 * quarter,
      name: () => `bus:${randomBytes(8).toString("hex")}`,
      now: () => realClock.now(),
    });
    return {
      append: (line) => spool.append(recordKinds.text, line),
      waiting: () => spool.read(entries),
      acknowledge: (seq) => spool.acknowledge(seq),
    };
  };
}
