import { type Command, command } from "@skep/edge-cli";

/** `skep jobs`. */
export const jobs: Command = command({
  name: "jobs",
  group: "jobs",
  summary: "List the newest jobs, or tell all of one",
  examples: [
    { run: "skep jobs", doc: "The newest twenty" },
    { run: "skep jobs 17", doc: "State, reason, times and worker of one" },
  ],
  args: [{ name: "id", kind: "string", optional: true, doc: "Number of a job" }],
  flags: { limit: { kind: "integer", short: "n", default: "20", doc: "How many" } },
  run: async (context) => {
    const { listJobs, showJob } = await import("../jobs/list.ts");
    const { id } = context.args;
    if (id !== undefined) await showJob(context, id);
    else await listJobs(context, context.flags.limit);
  },
});
