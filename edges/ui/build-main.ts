// Builds the page: `node edges/ui/build-main.ts [dir]`. Does nothing where it is built already.
import { resolve } from "node:path";
import { bundle, isBuilt, pageDir } from "./build.ts";

const dir = process.argv[2] === undefined ? pageDir() : resolve(process.argv[2]);
if (process.argv[2] !== undefined || !isBuilt(dir)) await bundle(dir);
process.stdout.write(`${dir}\n`);
