import { faults } from "@skep/fault";

/** What `skep gpu` refuses. */
export const fault = faults("gpu-cli", {
  command: ["invalid", "Cannot run nothing: name a command after --"],
  smi: [
    "unsupported",
    "Cannot ask this machine for its GPUs: nvidia-smi does not answer",
    { cure: "Install the driver's nvidia-smi, or name it with --smi" },
  ],
  program: ["absent", "Cannot start the command"],
  lost: ["cut", "Cannot go on: the lease of the GPU is over, the command was ended"],
});
