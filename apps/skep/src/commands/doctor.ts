import { type Command, command } from "@skep/edge-cli";
import { homeOf } from "../client/connect.ts";
import { asTyped } from "../client/words.ts";
import { configSources } from "../config/mod.ts";
import { userHome } from "../person.ts";
import { showFindings } from "./fsck.ts";

/** `skep doctor`. */
export const doctor: Command = command({
  name: "doctor",
  group: "care",
  summary: "Check what matters and name the cure for each finding",
  doc: "Changes nothing. Ends with 0 when there are only notes, with 1 when there is a warning or something bad.",
  examples: [
    { run: "skep doctor", doc: "This machine and its home" },
    { run: "skep doctor --json", doc: "For a monitor" },
  ],
  run: async (context) => {
    const { out, io } = context;
    const { examine } = await import("../care/doctor.ts");
    const found = await examine({
      home: homeOf(context),
      uid: process.getuid?.() ?? 0,
      nodeVersion: process.versions.node,
      sources: configSources(context, {}, userHome),
      env: io.env,
      now: io.clock.now(),
    });
    const findings = found.map((each) =>
      each.cure === undefined ? each : { ...each, cure: asTyped(context, each.cure) },
    );
    const well = findings.every(({ state }) => state === "ok" || state === "note");
    if (out.wantsJson) await out.json({ ok: well, findings });
    else await showFindings(out, findings);
    return well ? 0 : 1;
  },
});
