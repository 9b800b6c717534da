// Runs in a worker thread: checks policy sets, so that the hive answers meanwhile.
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { cedarFile, checkSet, type PolicyFiles, useCedar } from "@skep/policy";
import { programActs } from "./set-files.ts";

const { module: known } = workerData as { readonly module: WebAssembly.Module | undefined };
const module = known ?? new WebAssembly.Module(readFileSync(cedarFile()));

parentPort?.on("message", async ({ id, files }: { readonly id: number; readonly files: PolicyFiles }) => {
  try {
    await useCedar(module);
    parentPort?.postMessage({ id, module, checked: checkSet(files, programActs()) });
  } catch (thrown) {
    parentPort?.postMessage({ id, module, error: String(thrown) });
  }
});
