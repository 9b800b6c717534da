import type { Fault } from "@skep/fault";
import { changesOf } from "../config/mod.ts";
import { resolveManifest } from "./document.ts";
import type { ReloadResult } from "./provider.ts";
import type { Running } from "./running.ts";

// Where the home lies on this machine is no business of whoever reads the journal.
const plain = (text: string, home: string): string => text.replaceAll(home, "$SKEP_HOME");

function told({ code, message, cure }: Fault, home: string): { code: string; message: string; cure: string } {
  return { code, message: plain(message, home), cure: plain(cure ?? "", home) };
}

/** Reads the sources of the configuration again and tells what would change; changes nothing itself. */
export function readAgain(running: Running, home: string): ReloadResult {
  const { config, problems } = running.config.again();
  if (problems.length > 0) return { problems: problems.map((each) => told(each, home)) };
  const { changed, kept } = changesOf(running.config, config);
  const values: Record<string, unknown> = { ...running.config.values };
  for (const { key } of changed) values[key] = config.values[key];
  const { hash } = resolveManifest({ ...running.config, values: values as typeof config.values });
  return { hash, changed, kept };
}
