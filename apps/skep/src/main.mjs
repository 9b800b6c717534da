// The one program: daemon, worker and command line. What Node compiled of it is kept, so that a start is short. This
// file alone is not TypeScript: before the cache is on, what removes types would be loaded, 25 MB in every process.
import { accessSync, constants } from "node:fs";
import nodeModule from "node:module";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Where Node keeps what it compiled: beside the dependencies where this user may write there, else in the user's own
 * cache. Never in a directory that others can write, since what lies there is run.
 */
function place() {
  const beside = fileURLToPath(new URL("../../../node_modules", import.meta.url));
  try {
    accessSync(beside, constants.W_OK);
    return join(beside, ".cache", "skep");
  } catch {
    const cache = process.env.XDG_CACHE_HOME;
    return join(cache && isAbsolute(cache) ? cache : join(homedir(), ".cache"), "skep", "compiled");
  }
}

// Asked before anything is loaded that an older Node cannot even read.
if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `skep: Cannot run under Node ${process.versions.node}: Node 24 or newer is needed\n  \`npx skep\` brings the right one along\n`,
  );
  process.exit(1);
}

// The environment tells the threads and the processes that this one starts.
process.env.NODE_COMPILE_CACHE ??= place();
nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE);
await import("./resolve.mjs");
const { start } = await import("./start.ts");
process.exit(await start());
