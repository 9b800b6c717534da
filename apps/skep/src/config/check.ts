import type { Fault } from "@skep/fault";
import { problem } from "./faults.ts";
import type { Values } from "./values.ts";

interface Pair {
  readonly fits: (values: Values) => boolean;
  readonly text: string;
  readonly cure: string;
}

const pairs: readonly Pair[] = [
  {
    fits: (values) => values["disk.stop_percent"] <= values["disk.warn_percent"],
    text: "disk.stop_percent is above disk.warn_percent, so nobody is warned before work stops",
    cure: "Make disk.warn_percent the larger one",
  },
  {
    fits: (values) => values["limits.waiting_reads"] < values["limits.tags"],
    text: "limits.waiting_reads leaves no tag of limits.tags for anything else",
    cure: "Make limits.waiting_reads smaller than limits.tags",
  },
  {
    fits: (values) => values["limits.line"] + 24 <= values["limits.msize"],
    text: "limits.line does not fit into a 9P message of limits.msize",
    cure: "Make limits.msize larger by at least 24 bytes than limits.line",
  },
];

/** What is wrong between values that are each right. */
export function checkTogether(values: Values): readonly Fault[] {
  return pairs
    .filter(({ fits }) => !fits(values))
    .map(({ text, cure }) => problem("together", `Cannot use configuration: ${text}`, cure));
}
