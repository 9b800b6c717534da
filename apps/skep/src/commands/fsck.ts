import { type Command, command, type Out, type Progress, toned } from "@skep/edge-cli";
import type { Finding } from "../care/finding.ts";

const tones = { ok: "good", note: "dim", warning: "warn", bad: "bad" } as const;
const words = { ok: "ok", note: "note", warning: "warning", bad: "BAD" } as const;

/** Prints findings, one a line, each with its cure. */
export async function showFindings(out: Out, findings: readonly Finding[]): Promise<void> {
  const wide = Math.max(...findings.map(({ about }) => about.length));
  for (const { about, state, text, cure } of findings) {
    await out.line(toned(tones[state], words[state].padEnd(8)), `${about.padEnd(wide)}  `, text);
    if (cure !== undefined) await out.line(`${" ".repeat(wide + 10)}`, toned("dim", cure));
  }
}

/** `skep fsck`. */
export const fsck: Command = command({
  name: "fsck",
  group: "proof",
  summary: "Examine everything in a home whose hive is stopped",
  doc: "Segments and frames, the form of every record, the tree over them, the state that they fold to, snapshot, blobs, index and keys. Nothing is changed without --repair. Ends with 1 when something is damaged, and names the cure.",
  examples: [
    { run: "skep fsck --home /srv/hive --json", doc: "One JSON object" },
    { run: "skep fsck --repair", doc: "Then start the hive and store what is named once more" },
  ],
  flags: {
    repair: {
      kind: "boolean",
      doc: "Move blobs without their digest into damaged/, so that they can be stored again",
    },
  },
  run: async (context) => {
    const { flags, out } = context;
    const [{ hiveHome }, { lock }, care] = await Promise.all([
      import("../access/home.ts"),
      import("../hive/storage.ts"),
      import("../care/fsck.ts"),
    ]);
    const home = hiveHome(context);
    using _held = lock(home);
    const bars = new Map<string, Progress>();
    const step = (label: string, done: number, total: number | undefined): void => {
      const bar = bars.get(label) ?? out.progress({ label, ...(total !== undefined && { total }) });
      bars.set(label, bar);
      bar.set(done);
    };
    const findings = await care.fsck(home, step, flags.repair);
    for (const bar of bars.values()) bar.done();
    const damaged = findings.filter(({ state }) => state === "bad").length;
    if (out.wantsJson) await out.json({ home, ok: damaged === 0, findings });
    else await showFindings(out, findings);
    return damaged === 0 ? 0 : 1;
  },
});
