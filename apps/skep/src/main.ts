// The one program: daemon, worker and command line. What Node compiled of it is kept, so that a start is short.
import { enableCompileCache } from "node:module";
import { compileCache } from "./compile-cache.ts";

enableCompileCache(compileCache());
const { start } = await import("./start.ts");
process.exit(await start());
