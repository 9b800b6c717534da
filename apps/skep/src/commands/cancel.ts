import { type Command, command } from "@skep/edge-cli";
import { connectOf } from "../client/connect.ts";

/** `skep cancel`. */
export const cancel: Command = command({
  name: "cancel",
  group: "jobs",
  summary: "Cancel jobs: their modules end at once",
  examples: [{ run: "skep cancel 17", doc: "What it had put out until then is signed all the same" }],
  args: [{ name: "id", kind: "string", rest: true, doc: "Numbers of jobs" }],
  run: async (context) => {
    const { args, out, signal } = context;
    const [{ ask }, { fault }] = await Promise.all([
      import("../jobs/submit.ts"),
      import("../jobs/faults.ts"),
    ]);
    for (const job of args.id) if (!/^\d{1,15}(\.\d{1,4})?$/.test(job)) throw fault.job(job);
    await using client = await connectOf(context);
    for (const job of args.id) {
      await ask(client, "/jobs/ctl", { op: "cancel", job }, signal);
      if (out.wantsJson) await out.json({ job, canceled: true });
      else await out.line(`canceled ${job}`);
    }
  },
});
