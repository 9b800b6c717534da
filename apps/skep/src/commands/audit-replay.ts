import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Command, command, toned } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { escapeForeign, formatCount } from "@skep/text";
import { homeOf } from "../client/connect.ts";
import type { ReplayReport } from "../proof/replay.ts";
import { logFlags, openLog, rangeOf } from "./audit-source.ts";

const fault = faults("audit-replay", {
  home: [
    "invalid",
    "Cannot replay without the home of the hive: its configuration is part of what was decided",
    { cure: "Run it where the hive lives, or name a copy of its home with --home" },
  ],
  differs: [
    "corrupt",
    "Cannot confirm the log: judged again it comes to something else at record",
    {
      cure: "The log, the program or its configuration was changed: compare both with `skep audit cat --from SEQ --to SEQ`",
    },
  ],
});

const shown = (value: unknown): string =>
  escapeForeign(JSON.stringify(value), { form: "wire" }).slice(0, 2000);

function* lines({ from, to, same, taken, state, entries, sequence }: ReplayReport): Generator<string> {
  yield `  ${formatCount(same)} of ${formatCount(to - from)} records were judged again and came to the same, byte for byte`;
  for (const [why, count] of Object.entries(taken))
    yield `  ${formatCount(count)} taken from the log: ${why}`;
  yield `  state ${state}`;
  yield `  ${entries} controls of queen and hosts, sequence ${sequence}`;
}

/** `skep audit replay`. */
export const auditReplay: Command = command({
  name: "audit replay",
  group: "proof",
  summary: "Judge recorded commands again and compare with what was decided",
  doc: "A fresh kernel folds what comes before the range and then decides each command itself before it looks at the record; the first difference in verdict, events, effects, policy or order is named, and the exit code is 1. Verdicts of rate, busy and cut, rights of tickets, secrets, and what came from outside are taken from the log, and counted.",
  examples: [
    { run: "skep audit replay", doc: "The whole log" },
    { run: "skep audit replay --from 1000 --to 2000", doc: "A part of it" },
  ],
  flags: {
    ...logFlags,
    from: { kind: "integer", least: 0, value: "SEQ", doc: "From this record on; default the first" },
    to: { kind: "integer", least: 0, value: "SEQ", doc: "Up to and with this record; default the last" },
  },
  run: async (context) => {
    const { flags, out } = context;
    const home = homeOf(context);
    if (!existsSync(join(home, "keys"))) throw fault.home(home);
    await using log = await openLog(context, flags.offline);
    const { source } = log;
    const [{ replayLog }, { foldedMounts }, { version }, { chanceOf, hiveKeys }] = await Promise.all([
      import("../proof/replay.ts"),
      import("../hive/folded.ts"),
      import("../version.ts"),
      import("../hive/keys.ts"),
    ]);
    const [first, end] = rangeOf(source.size, flags.from, flags.to);
    const range = { from: first, to: end };
    const options = {
      providers: foldedMounts(home, undefined),
      version,
      chance: chanceOf(home, hiveKeys(home).origin),
    };
    using bar = out.progress({ label: "Replaying", total: range.to, unit: "records" });
    const report = await replayLog(
      (from, to) => source.entries(from, to),
      range,
      options,
      (done) => bar.set(done),
    );
    const { difference } = report;
    if (out.wantsJson) await out.json({ match: difference === undefined, ...report } as never);
    else {
      const words = difference ? toned("bad", "differs ") : toned("good", "same ");
      await out.line(words, `records ${range.from} to ${range.to - 1}`);
      for (const line of lines(report)) await out.line(line);
      if (difference) {
        await out.line(
          `  record ${difference.seq} at ${difference.path} by ${difference.subject}: ${difference.what}`,
        );
        await out.line(`    judged again  ${shown(difference.own)}`);
        await out.line(`    in the log    ${shown(difference.stored)}`);
      }
    }
    if (difference) throw fault.differs(`${difference.seq}, ${difference.what}`);
    return undefined;
  },
});
