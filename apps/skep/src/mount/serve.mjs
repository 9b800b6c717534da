// The process that serves one mount. Like the program's own entry it is no TypeScript, so that what Node compiled is used.
import { enableCompileCache } from "node:module";

enableCompileCache();
await import("../resolve.mjs");
const { serveMount } = await import("./serve.ts");
await serveMount(Number(process.argv.at(-1)));
