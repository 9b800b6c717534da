import type { Kernel } from "@skep/kernel";
import { loaded, type ManifestDeps, type ManifestView } from "./provider.ts";
import { readAgain } from "./reload.ts";
import type { Running } from "./running.ts";

/** What the provider of the manifest is given by a running daemon. */
export function manifestDeps(running: Running, home: string, say: (line: string) => void): ManifestDeps {
  return {
    manifest: () => running.manifest,
    reload: () => readAgain(running, home),
    put: (changed) => {
      for (const { key, from, to } of changed) {
        running.set(key, to);
        say(`configuration: ${key} is ${to}, was ${from}`);
      }
    },
  };
}

/** Journals the manifest of a start where it is another one than before. */
export function noteManifest(kernel: Kernel, running: Running): void {
  const { hash } = running.manifest;
  if (kernel.slices.view<ManifestView>("manifest").hash() === hash) return;
  kernel.system("manifest", "/proc/manifest", { op: "load", hash }, () => loaded(hash));
}
