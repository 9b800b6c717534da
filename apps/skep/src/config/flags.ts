import type { FlagSpec } from "@skep/edge-cli";
import { limits, type Limits } from "@skep/kernel";
import type { SecretSetting, Setting } from "./setting.ts";
import { secrets, settings } from "./settings.table.ts";
import type { Values } from "./values.ts";

const plain: Readonly<Record<string, Setting<unknown>>> = settings;
const hidden: Readonly<Record<string, SecretSetting>> = secrets;

/**
 * The flags of every setting that has one, for `command({ flags: { ...configFlags() } })`. They are texts: the
 * settings' own schemas read them, so that flag, environment and file are judged alike.
 */
export function configFlags(): Readonly<Record<string, FlagSpec & { readonly kind: "string" | "file" }>> {
  const found: Record<string, FlagSpec & { readonly kind: "string" | "file" }> = {};
  for (const { flag, doc, kind, fallback } of Object.values(plain))
    if (flag !== undefined)
      found[flag] = { kind: "string", value: kind.label, doc: `${doc}; default ${kind.show(fallback)}` };
  for (const { flag, doc } of Object.values(hidden))
    if (flag !== undefined)
      found[flag] = { kind: "file", value: "FILE|fd:N", doc: `${doc}, read from there` };
  return found;
}

/** The kernel's table of limits with the values of this configuration. */
export function limitsOf(values: Values): Limits {
  return {
    ...limits,
    pathDepth: values["limits.path_depth"],
    component: values["limits.component"],
    line: values["limits.line"],
    readOutside9p: values["limits.read"],
    msize: values["limits.msize"],
    tags: values["limits.tags"],
    waitingReads: values["limits.waiting_reads"],
    fids: values["limits.fids"],
    fidsOnSocket: values["limits.fids_on_socket"],
    entries: values["limits.entries"],
    // Read anew for each session: it may change while the daemon runs.
    get controlsPerSecond() {
      return values["limits.controls_per_second"];
    },
  };
}
