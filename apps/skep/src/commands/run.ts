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
    {
      run: "skep run --array --output out examples/modules/sha256.wasm inputs/*",
      doc: "One job for each file",
    },
    { run: "skep run --lines words.txt examples/modules/reverse.wasm", doc: "One job for each line" },
    { run: "skep run --label gpu --deadline 1h job.wasm", doc: "Waits for a machine with that label" },
    {
      run: "skep run --checkpoint /checkpoint/state --every 30s examples/modules/steps.wasm 1000000",
      doc: "Goes on where it was when its machine goes away",
    },
    { run: "skep run --dag pipeline.toml", doc: "Jobs that need each other" },
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
    fuel: { kind: "integer", least: 1, doc: "Most units of work; default and most are what the hive gives" },
    fresh: { kind: "boolean", doc: "In a process of its own" },
    receipt: { kind: "file", doc: "Write the signed receipt there" },
    detach: { kind: "boolean", doc: "Print the job's number and do not wait" },
    label: { kind: "string", repeat: true, doc: "Only on machines with this label" },
    "work-class": {
      kind: "string",
      value: "CLASS",
      doc: "What it is for, as owners of machines name it in what they refuse; default general",
    },
    checkpoint: {
      kind: "string",
      value: "FILE",
      doc: "A file that the module keeps, as /checkpoint/state: stored while it runs, and there again when another machine has to go on",
    },
    every: {
      kind: "duration",
      doc: "How often the checkpoint is stored when it has changed; default 60s, least 5s",
    },
    arch: { kind: "string", doc: "Only on machines of this architecture, as `x64` or `arm64`" },
    machine: { kind: "size", doc: "Only on machines with so much memory" },
    class: {
      kind: "choice",
      choices: ["owned", "borrowed", "rented", "volunteer"],
      repeat: true,
      value: "CLASS",
      doc: "Only on machines of this class: owned, borrowed, rented or volunteer",
    },
    data: {
      kind: "choice",
      choices: ["public", "internal", "private"],
      value: "LABEL",
      doc: "Who may see its data: public (any machine), internal (no volunteer's; the default), private (owned ones)",
    },
    priority: { kind: "integer", least: -100, most: 100, doc: "Among your own jobs, -100 to 100; default 0" },
    deadline: { kind: "duration", doc: "It ends then if it has not ended before" },
    replicas: {
      kind: "integer",
      least: 1,
      most: 9,
      doc: "Machines of different owners that answer it, at most 9; default: as policy of their class says",
    },
    quorum: {
      kind: "integer",
      least: 1,
      most: 9,
      doc: "How many of them must agree; default: more than half",
    },
    loose: { kind: "boolean", doc: "Honest machines may give other bytes: only how it ended is compared" },
    array: { kind: "boolean", doc: "What follows FILE are files: one job for each, with it as input" },
    lines: { kind: "file", doc: "One job for each line of this file, with it as input" },
    output: { kind: "file", doc: "Folder for outputs of an array or of a file of jobs" },
    dag: { kind: "boolean", doc: "FILE is a file of jobs that need each other, TOML or JSON" },
  },
  passthrough: true,
  failure: 125,
  run: async (context) => {
    const { args, flags } = context;
    const [{ runAny }, { fault }] = await Promise.all([
      import("../jobs/run-any.ts"),
      import("../jobs/faults.ts"),
    ]);
    const { label: labels, arch, machine: memoryBytes, class: classes, data } = flags;
    if (flags.every !== undefined && flags.checkpoint === undefined)
      throw fault.together("--every takes --checkpoint");
    return await runAny(context, {
      file: args.file,
      args: args.args,
      env: envOf(flags.env ?? [], (pair) => fault.env(pair.split("=")[0])),
      wallMs: flags.time,
      memoryBytes: flags.memory,
      fuel: flags.fuel,
      fresh: flags.fresh,
      workClass: flags["work-class"],
      checkpoint:
        flags.checkpoint === undefined ? undefined : { file: flags.checkpoint, everyMs: flags.every },
      where: { labels, arch, memoryBytes, classes, data },
      priority: flags.priority,
      deadlineMs: flags.deadline,
      replicas: flags.replicas,
      quorum: flags.quorum,
      loose: flags.loose,
      receipt: flags.receipt,
      detach: flags.detach,
      array: flags.array,
      lines: flags.lines,
      output: flags.output,
      dag: flags.dag,
    });
  },
});
