import { type Fault, faults, toFault } from "@skep/fault";

/** What can keep a job from running here; the part of the code behind the dot is the reason in its result. */
export const fault = faults("worker", {
  unsupported: ["unsupported", "Cannot run this kind of job here"],
  secret: [
    "absent",
    "Cannot resolve a secret of the job's environment",
    { cure: "Put it into secrets/NAME of the worker's home, mode 0600" },
  ],
  module: ["absent", "Cannot fetch the module"],
  stdin: ["corrupt", "Cannot read the job's input"],
  checkpoint: ["corrupt", "Cannot go on from what the job kept"],
  isolation: [
    "unsupported",
    "Cannot start: the configuration requires bubblewrap",
    { cure: "Install bubblewrap, or set sandbox.isolation to auto" },
  ],
  refused: [
    "refused",
    "Cannot start: the owner of this machine refuses every kind of work",
    { cure: "Take wasm out of refuse.kinds in owner.toml" },
  ],
  ticket: [
    "absent",
    "Cannot start without a ticket",
    { cure: "Put a worker's ticket into its home: `skep ticket mint`" },
  ],
  inbox: ["corrupt", "Cannot read a line of the inbox"],
  stopped: ["canceled", "Cannot go on: the worker is stopping"],
});

/** The reason that a result tells for a fault before or beside the module's run. */
export function reasonOf(thrown: unknown): { readonly reason: string; readonly message: string } {
  const { code, message } = toFault(thrown);
  const reason = code.startsWith("worker.") ? code.slice("worker.".length) : "worker";
  return { reason, message: message.slice(0, 512) };
}

/** Whether a fault means that the connection, not the request, is at an end. */
export function isLost({ kind, code }: Fault): boolean {
  return kind === "cut" || code === "ninep.closed" || code === "ninep.protocol";
}

/** Whether the same request may be taken later. */
export function isLater({ kind }: Fault): boolean {
  return kind === "busy" || kind === "quota" || kind === "timeout";
}
