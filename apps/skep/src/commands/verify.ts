import { type Command, command } from "@skep/edge-cli";

/** `skep verify`. */
export const verify: Command = command({
  name: "verify",
  group: "jobs",
  summary: "Check a receipt against a worker's key",
  doc: "A verdict on several answers (`skep cat /jobs/ID/receipt` of a job with replicas) is checked as a whole: every receipt, every commitment, the owners and the count; --key is then the key of the hive. With --key no hive is asked; otherwise the hive is asked for the key of the worker that --worker or the receipt names. With --stdout or --stderr the output is held against the receipt too; a stream that is not named is taken as empty.",
  examples: [
    { run: "skep verify receipt.json", doc: "Against what the hive knows of its workers" },
    {
      run: "skep verify receipt.json --key ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
      doc: "Against a key that you know",
    },
    {
      run: "skep verify receipt.json --worker w-abc --stdout picture.ppm",
      doc: "Against a worker of your hive, with its output",
    },
  ],
  args: [{ name: "receipt", kind: "file", doc: "The receipt, as `skep run --receipt` writes it" }],
  flags: {
    key: { kind: "string", value: "HEX", doc: "Ed25519 public key of the worker, 64 hex digits" },
    worker: { kind: "string", value: "ID", doc: "A worker of the hive, which is asked for its key" },
    stdout: { kind: "file", doc: "What the job wrote to stdout" },
    stderr: { kind: "file", doc: "What it wrote to stderr" },
  },
  run: async (context) => {
    const { verifyFile } = await import("../jobs/verify.ts");
    const { key, worker, stdout, stderr } = context.flags;
    return await verifyFile(context, { file: context.args.receipt, key, worker, stdout, stderr });
  },
});
