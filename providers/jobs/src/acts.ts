import type { Deciding, Json } from "@skep/kernel";
import { isEnded, type Jobs } from "./model.ts";
import type { JobCommand } from "./schema.ts";

/** What approvers see of a job: whether it has ended. */
function target(command: JobCommand, { state }: Pick<Deciding<Jobs>, "state">): Json {
  if (command.op !== "cancel") return null;
  const job = state.jobs.get(String(command.job));
  return job ? { ended: isEnded(job.state) } : null;
}

/** What `/jobs/ctl` does. */
export const jobActs = {
  submit: { class: "compensable", compensation: "Cancel the job: `skep cancel ID`" },
  array: { class: "compensable", compensation: "Cancel the array: `skep cancel ID`" },
  cancel: { class: "compensable", compensation: "Submit it again: what it had done is lost", target },
} as const;

/** What `/worker/<id>/results` does. */
export const resultActs = {
  commit: { class: "compensable", compensation: "The lease of another machine answers instead" },
  done: { class: "compensable", compensation: "Submit the job again" },
  return: { class: "compensable", compensation: "The job is leased again by itself" },
  renew: { class: "compensable", compensation: "The lease ends by itself" },
} as const;
