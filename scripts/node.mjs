// node scripts/node.mjs FILE ARGS: installs what the clone lacks, then runs FILE under the project's Node.
import { bootstrap } from "./bootstrap.mjs";
import { run } from "./runtime.mjs";

bootstrap();
run(process.argv.slice(2));
