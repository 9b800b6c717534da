import { type Command, command } from "@skep/edge-cli";

function envOf(pairs: readonly string[], fail: (pair: string) => Error): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([A-Za-z_]\w{0,63})=(.*)$/s.exec(pair) ?? [];
      if (name === undefined || value === undefined) throw fail(pair);
      return [name, value];
    }),
  );
}

/** `skep run`. */
export const run: Command = command({
  name: "run",
  group: "jobs",
  summary: "Run a WASM module and give its exit code",
  doc: "Input is read to its end first. The output is printed when the receipt has been verified; on a terminal it is shown as it comes. Every end that is not the module's own gives exit code 125. Flags stand before FILE: what follows it belongs to the module. `skep config show` tells the most that this hive gives; a job that asks for more gets that, and a warning says so.",
  examples: [
    { run: "skep run examples/modules/mandelbrot.wasm 640 480 > picture.ppm", doc: "With arguments" },
    {
      run: "skep run --quiet examples/modules/reverse.wasm < LICENSE",
      doc: "The module's output and nothing else",
    },
    {
      run: "skep run --env KEY=secret:api --receipt receipt.json job.wasm",
      doc: "A secret of the worker; keep the receipt",
    },
  ],
  args: [
    { name: "file", kind: "file", doc: "The module" },
    { name: "args", kind: "string", optional: true, rest: true, doc: "Its arguments" },
  ],
  flags: {
    env: {
      kind: "string",
      repeat: true,
      value: "NAME=VALUE",
      doc: "Environment; secret:NAME is resolved at the worker",
    },
    time: { kind: "duration", doc: "Longest life; default 60s, at most what the hive gives" },
    memory: { kind: "size", doc: "Most memory; default 128MiB, at most what the hive gives" },
    fuel: { kind: "integer", doc: "Most units of work; default and most are what the hive gives" },
    fresh: { kind: "boolean", doc: "In a process of its own" },
    receipt: { kind: "file", doc: "Write the signed receipt there" },
    detach: { kind: "boolean", doc: "Print the job's number and do not wait" },
  },
  passthrough: true,
  failure: 125,
  run: async (context) => {
    const { args, flags } = context;
    const [{ runModule }, { fault }] = await Promise.all([
      import("../jobs/run.ts"),
      import("../jobs/faults.ts"),
    ]);
    return await runModule(context, {
      file: args.file,
      args: args.args,
      env: envOf(flags.env ?? [], (pair) => fault.env(pair.split("=")[0])),
      wallMs: flags.time,
      memoryBytes: flags.memory,
      fuel: flags.fuel,
      fresh: flags.fresh,
      receipt: flags.receipt,
      detach: flags.detach,
    });
  },
});
