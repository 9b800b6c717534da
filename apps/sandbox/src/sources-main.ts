// Writes the scripts of the sandboxed processes to stdout.
import { join } from "node:path";
import { bundle } from "./bundle.ts";
import { sampleFrames } from "./sample.ts";

const scriptOf = (file: string) => bundle(join(import.meta.dirname, file));
process.stdout.write(
  JSON.stringify({
    runner: await scriptOf("runner.ts"),
    admitter: await scriptOf("admitter.ts"),
    sample: sampleFrames().toString("base64"),
  }),
);
