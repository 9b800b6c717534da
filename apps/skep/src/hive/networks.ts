import { placing } from "@skep/provider-jobs";
import type { Hive } from "./hive.ts";

/**
 * Journals of which network a stranger's machine is after each of its hellos: two of one network never answer one job together.
 * `addressOf` gives the multiaddress at which a key is spoken to, where that is over the mesh.
 */
export function tellNetworks(
  { kernel, live }: Pick<Hive, "kernel" | "live">,
  addressOf: (key: string) => string | undefined,
): void {
  live.beats.whenJoined((worker) => {
    // Told from within the kernel: the record is made after it.
    setImmediate(() => {
      try {
        kernel.system("jobs", "/jobs", { op: "place", worker }, (deciding) =>
          placing(worker, deciding as never, addressOf),
        );
      } catch (thrown) {
        // The hive stops: the next hello tells it.
        kernel.rings.log(`network of ${worker}: ${(thrown as Error).message}`);
      }
    });
  });
}
