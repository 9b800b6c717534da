import { type Command, command } from "@skep/edge-cli";
import { untilAborted } from "./up.ts";

/** `skep demo`, which `npm start` runs. */
export const demo: Command = command({
  name: "demo",
  group: "hive",
  summary: "Start a throwaway hive, run real modules in it and prove what happened",
  doc: "Takes free ports and a home among the temporary files, which is removed at the end; two can run side by side.",
  examples: [
    { run: "skep demo", doc: "Stays up until Ctrl-C" },
    { run: "skep demo --once --json", doc: "Does the same, prints one JSON object and ends" },
  ],
  flags: { once: { kind: "boolean", doc: "End when everything was shown" } },
  onSignal: "drain",
  run: async (context) => {
    const { demo: show } = await import("../jobs/demo.ts");
    return await show(context, context.flags.once ? undefined : () => untilAborted(context.signal));
  },
});
