import { isEnded, type Job } from "../state/model.ts";

/** How a job came to its end: `exit 3`, `trap: unreachable`. */
export function endText({ exit, reason, message }: Job): string {
  if (exit !== undefined && (reason === "" || reason === "exit"))
    return exit === 0 ? "ran to its end" : `exit ${exit}`;
  return message === "" || message === reason ? reason : `${reason}: ${message}`;
}

/** Where a job is, or why it is nowhere; of one that failed, first why, in a word. */
export function whereText(job: Job): string {
  const { tally, state, worker, wait, reason } = job;
  if (tally) return `${tally.done} of ${tally.total} done`;
  if (!isEnded(job)) return worker || wait || reason;
  const why = job.exit === undefined ? reason : endText(job);
  return [state === "done" ? "" : why, worker].filter((part) => part !== "").join(" · ");
}
