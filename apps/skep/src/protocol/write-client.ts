// Renews the types of lib/http-client that are made from the tree.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { clientTypes } from "./client-types.ts";

const path = fileURLToPath(new URL("../../../../lib/http-client/tree.table.ts", import.meta.url));
writeFileSync(path, await clientTypes());
const biome = fileURLToPath(new URL("../../../../node_modules/.bin/biome", import.meta.url));
execFileSync(biome, ["format", "--write", "--log-level=error", path]);
