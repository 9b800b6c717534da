import { faults } from "@skep/fault";
import type { Build, Files, Json, Node, Scene } from "@skep/kernel";
import type { Uses } from "./decide.ts";
import { encodeExport, itemsOf, policyToml } from "./export-bytes.ts";
import { decideExport, ExportCommand } from "./export-decide.ts";
import type { Copied, Export } from "./export-state.ts";
import type { Telemetry } from "./state.ts";
import type { Store } from "./store.ts";

const fault = faults("export", {
  gone: ["conflict", "Cannot export a segment that is there no more as it was sealed"],
});

type At = Scene<Telemetry, Uses>;

const fileOf = (id: string): string => `export/${id}/telemetry.cbor`;

const exportOf = ({ state, params }: Pick<At, "state" | "params">): Export | undefined =>
  state.exports.get(params.job ?? "");
const isReady = (scene: At): boolean => exportOf(scene)?.state === "ready";

function status(scene: At): string {
  const { segments, policy: _policy, ...rest } = exportOf(scene) ?? { segments: [], policy: {} };
  return Object.entries({ ...rest, segments: segments.join(",") })
    .map(([name, value]) => `${name}=${JSON.stringify(value).replace(/^"|"$/g, "")}\n`)
    .join("");
}

/** Copies what an export names; doing it twice gives the same. Undefined where the export was removed meanwhile. */
export async function makeExport(
  { devices, exports }: Telemetry,
  store: Store,
  files: Files,
  id: string,
): Promise<Copied | undefined> {
  const known = exports.get(id);
  if (!known) return undefined;
  const records: Buffer[] = [];
  for (const seg of known.segments) {
    const segment = devices.get(known.device)?.segments.find((one) => one.id === seg);
    if (segment?.state !== "sealed") throw fault.gone(seg);
    const source = await store.source(known.device, segment);
    if (source.next !== segment.bytes) throw fault.gone(seg);
    for (const item of itemsOf(Buffer.from(source.read(0, source.next)), segment.mime === "application/cbor"))
      records.push(item);
  }
  const { bytes, ...told } = encodeExport(known, records);
  await files.replace(fileOf(id), bytes);
  // Removed while it was copied.
  if (!exports.has(id)) await dropExport(files, id);
  return { bytes: bytes.length, ...told };
}

/** Lets the bytes of an export go. */
export async function dropExport(files: Files, id: string): Promise<void> {
  if ((await files.size(fileOf(id))) !== undefined) await files.remove(fileOf(id));
}

/** `/queen/export`: telemetry copied for who trains on it. */
export function exportNodes(t: Build<Telemetry, Uses>, files: Files): Node {
  return t.dir("Telemetry that is copied for others", {
    ctl: t.control("Export sealed segments of a device, or remove an export; one JSON object per line", {
      input: ExportCommand,
      undo: "compensable",
      acts: {
        export: {
          class: "reversible",
          inverse: ({ id }) => ({ command: { op: "remove", id } as Json }),
        },
        remove: { class: "compensable", compensation: "Export it again, while its segments are there" },
      },
      work: ({ op }) => op === "export",
      examples: [
        '{"op":"export","id":"job_8932","device":"probe-1","base_model":"vision-base-v1","policy":{"max_epochs":3}}',
        '{"op":"remove","id":"job_8932"}',
      ],
      decide: decideExport,
    }),
    lora_jobs: t.each(
      "Exports, each with what an adapter is trained from",
      "job",
      {
        list: ({ state }) => state.exports.keys(),
        has: (name, { state }) => state.exports.has(name),
      },
      t.dir("One export", {
        status: t.text("State, size and SHA-256 of `telemetry.cbor`, and what it was made from", {
          render: status,
          json: (scene) => (exportOf(scene) ?? null) as Json,
        }),
        "telemetry.cbor": t.text("Its records: one CBOR map, `telemetry-export/v1`", {
          visible: isReady,
          fixed: true,
          size: (scene) => exportOf(scene)?.bytes ?? 0,
          render: (scene) => files.read(fileOf(scene.params.job ?? ""), 0, exportOf(scene)?.bytes ?? 0),
        }),
        "base_model.ref": t.text("Name of the model that the adapter is for", {
          render: (scene) => `${exportOf(scene)?.base_model ?? ""}\n`,
        }),
        "policy.toml": t.text("Settings that the export was asked for with", {
          render: (scene) => policyToml(exportOf(scene)?.policy ?? {}),
        }),
      }),
    ),
  });
}
