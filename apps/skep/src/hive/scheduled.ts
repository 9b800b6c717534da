import { fullAuthority, type Json, type Kernel, type Session } from "@skep/kernel";
import { JobCommand } from "@skep/provider-jobs";
import type { ScheduleDeps } from "@skep/provider-schedule";

/** A job's line for `/jobs/ctl`. */
const commandOf = (job: Json): object => ({ ...(job as object), op: "submit" });

/** What scheduled work needs: it is submitted as the owner of the hive, at the same door as all other work. */
export function scheduledBy(opened: Promise<Pick<Kernel, "attach">>): ScheduleDeps {
  let session: Session | undefined;
  return {
    misfit: (job) => {
      const read = JobCommand.safeParse(commandOf(job));
      const [issue] = read.success ? [] : read.error.issues;
      return issue && `${issue.path.join(".")}: ${issue.message}`;
    },
    submit: async (job, key) => {
      const kernel = await opened;
      if (session === undefined || session.state === "CLOSED")
        session = kernel.attach(fullAuthority("owner"), "schedule");
      const answer = await session.append("/jobs/ctl", JSON.stringify(commandOf(job)), { key });
      if (answer.verdict === "refused") return { ok: false, told: answer.code ?? "refused" };
      return { ok: true, told: String(answer.id ?? "") };
    },
  };
}
