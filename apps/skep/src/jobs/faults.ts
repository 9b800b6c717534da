import { Fault, faults } from "@skep/fault";

/** What can go wrong between a command and its job. */
export const fault = faults("run", {
  wasm: [
    "invalid",
    "Cannot run a file that is no WebAssembly module",
    { cure: "Compile it first: a module begins with the bytes 00 61 73 6d" },
  ],
  keys: [
    "denied",
    "Cannot check what a worker signs: the ticket does not open its key",
    { cure: "Ask for a ticket that opens /worker:read too, as `--for run` does, or use --detach" },
  ],
  mayNot: [
    "denied",
    "Cannot hand in a job with this ticket: it does not open /jobs/ctl for writing",
    { cure: "Ask for one that `skep ticket mint --for run` makes" },
  ],
  job: ["absent", "Cannot find job", { cure: "`skep jobs` lists them" }],
  worker: ["absent", "Cannot find worker"],
  receiptFile: [
    "invalid",
    "Cannot verify: it is no receipt",
    { cure: "Give a file of `skep run --receipt`" },
  ],
  oversize: [
    "oversize",
    "Cannot submit so many arguments and environment values",
    { cure: "Pass them through stdin" },
  ],
  env: ["invalid", "Cannot read an environment value that is not NAME=VALUE"],
  nothing: ["invalid", "Cannot run a module with nothing", { cure: "Leave the flag out for the default" }],
  count: ["invalid", "Cannot list so few jobs", { cure: "Give -n 1 or more" }],
  answer: ["corrupt", "Cannot read the hive's answer"],
  receipt: ["corrupt", "Cannot call it a success: the receipt does not verify"],
  inputs: ["invalid", "Cannot make an array of these inputs"],
  dag: ["invalid", "Cannot read the file of jobs"],
  together: ["invalid", "Cannot use these flags together"],
  output: ["failed", "Cannot write an output"],
  key: [
    "invalid",
    "Cannot verify without the worker's key",
    { cure: "Give --key with 64 hex digits, or --worker with the id of a worker of this hive" },
  ],
  unsigned: ["invalid", "Cannot verify for a worker that does not sign"],
  write: ["failed", "Cannot write the receipt"],
});

const reasons: Readonly<Record<string, readonly ["absent" | "isDirectory" | "denied", string]>> = {
  ENOENT: ["absent", "no such file"],
  ENOTDIR: ["absent", "no such file"],
  EISDIR: ["isDirectory", "it is a directory"],
  EACCES: ["denied", "its mode forbids it"],
};

/** Why a file of this machine could not be read; the code is `run.module` or `run.file`. */
export function unreadable(what: "module" | "file", path: string, cause: unknown): Fault {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const [kind, why] = reasons[code] ?? ["absent", code || "it cannot be opened"];
  return new Fault(kind, `run.${what}`, `Cannot read the ${what} ${JSON.stringify(path)}: ${why}`, {
    cause,
    cure: "Look at the name, and at the directory that you are in",
  });
}
