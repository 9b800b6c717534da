// Plain JavaScript that Node 20 can run: installs what the clone lacks, once.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "node_modules", ".package-lock.json");

function fresh() {
  return existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
}

export function bootstrap() {
  if (fresh()) return;
  process.stderr.write("Installing dependencies (first start only)\n");
  const started = spawnSync("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, npm_config_ignore_scripts: "true" },
  });
  if (started.status !== 0) {
    process.stderr.write(
      "skep: Cannot install dependencies: npm ci failed; check the network and run it again\n",
    );
    process.exit(1);
  }
}
