import { faults } from "@skep/fault";
import type { Deciding, Decision } from "@skep/kernel";
import { z } from "zod";
import type { Uses } from "./decide.ts";
import { emitExport, mostExports } from "./export-state.ts";
import type { Segment, Telemetry } from "./state.ts";

const fault = faults("export", {
  role: ["denied", "Cannot export telemetry with this role", { detail: "denied" }],
  taken: ["conflict", "Cannot export under a name that is taken", { detail: "invalid-payload" }],
  absent: ["absent", "Cannot find export", { detail: "invalid-path" }],
  device: ["absent", "Cannot find a device of that name", { detail: "invalid-path" }],
  segment: [
    "conflict",
    "Cannot export a segment that is not sealed",
    { cure: 'Seal it: append {"seal":"segment"} to the `ctl` of its device', detail: "invalid-payload" },
  ],
  full: [
    "quota",
    "Cannot keep another export",
    { cure: "Remove one that was fetched", detail: "buffer-full" },
  ],
  size: ["quota", "Cannot export so much at once", { cure: "Name fewer segments", detail: "buffer-full" }],
});

/** Largest sum of the segments of one export, bytes. */
export const mostExported = 64 * 1024 * 1024;

/** Form of an export's name. */
export const exportForm = /^[A-Za-z0-9][\w.-]{0,63}$/;

const name = z.string().regex(exportForm);
const setting = z.union([z.string().max(256), z.int(), z.boolean()]);

/** One line of `/queen/export/ctl`. */
export const ExportCommand = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("export"),
      id: name,
      device: name,
      /** All sealed ones where none is named. */
      segments: z
        .array(z.string().regex(/^seg-\d{6,}$/))
        .min(1)
        .max(1024)
        .optional(),
      base_model: z.string().max(256).default(""),
      policy: z
        .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), setting)
        .refine((policy) => Object.keys(policy).length <= 32, "at most 32 settings")
        .default({}),
    }),
    z.strictObject({ op: z.literal("remove"), id: name }),
  ])
  .meta({ id: "ExportCommand" });

type Command = z.output<typeof ExportCommand>;
type At = Deciding<Telemetry, Uses>;

function chosen(segments: readonly Segment[], named: readonly string[] | undefined): readonly Segment[] {
  const sealed = segments.filter(({ state }) => state === "sealed");
  if (named === undefined) {
    if (sealed.length === 0) throw fault.segment("none is");
    return sealed;
  }
  return [...new Set(named)].toSorted().map((id) => {
    const found = sealed.find((one) => one.id === id);
    if (!found) throw fault.segment(id);
    return found;
  });
}

function ask(command: Extract<Command, { op: "export" }>, { state }: At): Decision {
  const { id, device, base_model, policy } = command;
  if (state.exports.has(id)) throw fault.taken(id);
  if (state.exports.size >= mostExports) throw fault.full(mostExports);
  const known = state.devices.get(device);
  if (!known) throw fault.device(device);
  const found = chosen(known.segments, command.segments);
  const bytes = found.reduce((sum, one) => sum + one.bytes, 0);
  if (bytes > mostExported) throw fault.size(`${bytes} of at most ${mostExported} bytes`);
  const segments = found.map((one) => one.id);
  return {
    events: [emitExport("export-asked@1", { id, device, segments, base_model, policy })],
    effects: [{ kind: "export", args: { id } }],
    result: { id, segments },
  };
}

/** Decides one line of `/queen/export/ctl`. */
export function decideExport(command: Command, at: At): Decision {
  if (at.caller.role !== "queen") throw fault.role(at.caller.role);
  if (command.op === "export") return ask(command, at);
  if (!at.state.exports.has(command.id)) throw fault.absent(command.id);
  return {
    events: [emitExport("export-removed@1", { id: command.id })],
    effects: [{ kind: "unexport", args: { id: command.id } }],
  };
}
