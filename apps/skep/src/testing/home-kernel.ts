import { randomBytes } from "node:crypto";
import { Kernel } from "@skep/kernel";
import { openFiles, openIndex } from "@skep/storage";
import { realClock } from "../clock.ts";
import { makeHome } from "../config/mod.ts";
import { foldedMounts } from "../hive/folded.ts";
import { hiveKeys } from "../hive/keys.ts";
import { places } from "../hive/storage.ts";
import { version } from "../version.ts";

/** Makes a home where there is none and lets something act on its kernel, with nothing else of a daemon around it. */
export async function withKernelOf<T>(home: string, act: (kernel: Kernel) => Promise<T>): Promise<T> {
  makeHome(home, process.getuid?.() ?? 0);
  const keys = hiveKeys(home);
  const kernel = await Kernel.open({
    files: openFiles(places.files(home)),
    index: await openIndex(places.index(home)),
    providers: foldedMounts(home, undefined),
    version,
    clock: realClock,
    defer: setImmediate,
    fatal: (error) => {
      throw error;
    },
    chance: () => randomBytes(32).toString("hex"),
    born: () => ({ id: keys.hive, name: keys.hive }),
  });
  try {
    return await act(kernel);
  } finally {
    await kernel.close();
  }
}
