// Renews the types of lib/http-client that are made from the tree.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { clientTypes } from "./client-types.ts";

const dir = fileURLToPath(new URL("../../../../lib/http-client", import.meta.url));
const paths = [...(await clientTypes())].map(([name, text]) => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
});
const biome = fileURLToPath(new URL("../../../../node_modules/.bin/biome", import.meta.url));
execFileSync(biome, ["format", "--write", "--log-level=error", ...paths]);
