// Writes docs/configuration.md from the table of settings.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationDoc } from "./doc.ts";

writeFileSync(join(import.meta.dirname, "../../../../docs/configuration.md"), configurationDoc());
