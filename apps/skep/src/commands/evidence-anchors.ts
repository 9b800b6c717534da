import { readFileSync } from "node:fs";
import type { Context } from "@skep/edge-cli";
import type { Pack } from "@skep/evidence";
import { faults } from "@skep/fault";
import { escapeForeign, formatTime } from "@skep/text";
import type { Anchors } from "../anchor/anchor.ts";

const fault = faults("anchors", {
  roots: ["invalid", "Cannot read certificates", { cure: "Name a file with certificates in PEM" }],
  authority: [
    "denied",
    "Cannot trust its timestamp: there is none that leads to these certificates",
    { cure: "Give the root of the authority with --tsa-ca, and keep the .tsr beside the pack" },
  ],
  uploaded: [
    "absent",
    "Cannot find what the Rekor log answered",
    { cure: "Keep the .rekor.json beside the pack" },
  ],
});

/** Flags of what packs. */
export const anchorFlags = {
  timestamp: {
    kind: "string",
    value: "URL",
    doc: "Ask this authority for a timestamp (RFC 3161) of the pack, written beside it",
  },
  rekor: {
    kind: "string",
    value: "URL",
    doc: "Upload the digest to this Rekor v2 log; its answer is written beside it",
  },
} as const;

/** Has others vouch for a pack that is written; what they do not answer is told and stops nothing. */
export async function vouched(context: Context, at: string, made: Pack, wanted: Anchors): Promise<void> {
  const { anchor } = await import("../anchor/anchor.ts");
  const told = await anchor(at, made.files.get("manifest.json") ?? "", wanted, context.signal);
  for (const [what, result] of Object.entries(told))
    if ("error" in result) context.out.warn(`No ${what}: ${result.error}; the pack stands without it`);
    else context.out.message(`${what} in ${result.file}`);
}

/** What stands beside a pack, verified. Throws `anchors.*`, and what is wrong with it. */
export async function anchorsOf(pack: string, root: string, ca: string | undefined, key: string | undefined) {
  const { readAnchors } = await import("../anchor/anchor.ts");
  const pem = ca === undefined ? "" : readFileSync(ca, "utf8");
  const roots = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (ca !== undefined && roots.length === 0) throw fault.roots(ca);
  const anchors = readAnchors(pack, root, { roots, keys: key === undefined ? [] : [key] });
  if (ca !== undefined && !anchors.timestamp?.trusted) throw fault.authority(anchors.timestamp?.authority);
  if (key !== undefined && !anchors.rekor) throw fault.uploaded();
  return anchors;
}

/** Lines about what stands beside a pack. */
export function anchorLines({ timestamp, rekor }: Awaited<ReturnType<typeof anchorsOf>>): string[] {
  const by = (flag: string, trusted: boolean) => (trusted ? "" : ` (whose key it is, ${flag} checks)`);
  const name = (text: string) => escapeForeign(text, { form: "wire" });
  return [
    ...(timestamp
      ? [
          `  timestamp ${formatTime(timestamp.time)} by ${name(timestamp.authority)}${by("--tsa-ca", timestamp.trusted)}`,
        ]
      : []),
    ...(rekor ? [`  entry ${rekor.index} of ${name(rekor.origin)}${by("--rekor-key", rekor.trusted)}`] : []),
  ];
}
