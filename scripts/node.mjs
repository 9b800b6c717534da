// node scripts/node.mjs FILE ARGS: runs FILE under the project's Node.
import { run } from "./runtime.mjs";

run(process.argv.slice(2));
