#!/usr/bin/env node
// The `skep` command of a clone: installs what is missing, then goes on under the project's Node.
import { join } from "node:path";
import { bootstrap } from "./bootstrap.mjs";
import { root, run } from "./runtime.mjs";

bootstrap();
run([join(root, "apps", "skep", "src", "main.mjs"), ...process.argv.slice(2)]);
