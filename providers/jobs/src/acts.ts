import type { Deciding, Json } from "@skep/kernel";
import { usesOf } from "./bans.ts";
import { isEnded, type Jobs } from "./model.ts";
import type { JobCommand } from "./schema.ts";

/** What approvers see of a job: whether it has ended. */
function target(command: JobCommand, { state }: Pick<Deciding<Jobs>, "state">): Json {
  if (command.op !== "cancel") return null;
  const job = state.jobs.get(String(command.job));
  return job ? { ended: isEnded(job.state) } : null;
}

/** The class of work that a manifest's input names; whether it is well formed is judged when it is submitted. */
function workOf(payload: unknown): string {
  try {
    const { input } = payload as { readonly input: readonly number[] };
    const told = JSON.parse(Buffer.from(input).toString()) as { readonly class?: unknown };
    return typeof told.class === "string" ? told.class : "general";
  } catch {
    return "general";
  }
}

/** What a command would have run: in a manifest, the field that `submit` reads. */
function uses(command: JobCommand): readonly string[] {
  if (command.op === "cancel") return [];
  if (command.op === "submit" && command.run) {
    const { kind, module, name, class: of } = command.run;
    return usesOf({ kind, what: (kind === "wasm" ? module : name) ?? "", class: of });
  }
  const { payload } = command.manifest ?? {};
  const cid =
    typeof payload === "object" && payload !== null && "module_cid" in payload ? payload.module_cid : "";
  const what = String(cid).replace(/^sha256:/, "");
  return usesOf({ kind: "wasm", what, class: workOf(payload) });
}

/** What `/jobs/ctl` does. */
export const jobActs = {
  submit: { class: "compensable", compensation: "Cancel the job: `skep cancel ID`", uses },
  array: { class: "compensable", compensation: "Cancel the array: `skep cancel ID`", uses },
  cancel: { class: "compensable", compensation: "Submit it again: what it had done is lost", target },
} as const;

/** What `/worker/<id>/results` does. */
export const resultActs = {
  commit: { class: "compensable", compensation: "The lease of another machine answers instead" },
  checkpoint: { class: "compensable", compensation: "The next one takes its place" },
  done: { class: "compensable", compensation: "Submit the job again" },
  return: { class: "compensable", compensation: "The job is leased again by itself" },
  renew: { class: "compensable", compensation: "The lease ends by itself" },
} as const;
