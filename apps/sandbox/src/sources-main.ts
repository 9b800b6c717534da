// Writes the sources of a runner to stdout.
import { collectSources } from "./sources.ts";

process.stdout.write(await collectSources());
