// Runs in a worker thread: checks policy sets, so that the hive answers meanwhile.
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { cedarFile, type CheckedSet, checkSet, type PolicyFiles, PolicySet, useCedar } from "@skep/policy";
import { programActs } from "./set-files.ts";

const { module: known } = workerData as { readonly module: WebAssembly.Module | undefined };
const module = known ?? new WebAssembly.Module(readFileSync(cedarFile()));

// What of Cedar's code taking in and deciding needs is compiled here: the loop shares it, and would stand meanwhile.
function compiled(checked: CheckedSet): CheckedSet {
  if (checked.problems.length === 0) new PolicySet(checked.policies).warm();
  return checked;
}

parentPort?.on("message", async ({ id, files }: { readonly id: number; readonly files: PolicyFiles }) => {
  try {
    await useCedar(module);
    parentPort?.postMessage({ id, module, checked: compiled(checkSet(files, programActs())) });
  } catch (thrown) {
    parentPort?.postMessage({ id, module, error: String(thrown) });
  }
});
