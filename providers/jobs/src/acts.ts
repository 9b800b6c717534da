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

/** What a manifest's input names; whether it is well formed is judged when it is submitted. */
function toldIn(payload: unknown): {
  readonly class?: unknown;
  readonly where?: { readonly data?: unknown };
} {
  try {
    const { input } = payload as { readonly input: readonly number[] };
    const told: unknown = JSON.parse(Buffer.from(input).toString());
    return typeof told === "object" && told !== null ? told : {};
  } catch {
    return {};
  }
}

/** The class of work that a manifest's input names. */
function workOf(payload: unknown): string {
  const { class: of } = toldIn(payload);
  return typeof of === "string" ? of : "general";
}

/** What policies can ask about of a job: who may see its data, and what it is for. */
function about(command: JobCommand): { readonly label?: string; readonly work?: string } {
  if (command.op === "cancel") return {};
  if (command.op === "submit" && command.run)
    return { label: command.run.where?.data ?? "internal", work: command.run.class };
  const { payload } = command.manifest ?? {};
  const label = toldIn(payload).where?.data;
  return { label: typeof label === "string" ? label : "internal", work: workOf(payload) };
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
  submit: { class: "compensable", compensation: "Cancel the job: `skep cancel ID`", uses, about },
  array: { class: "compensable", compensation: "Cancel the array: `skep cancel ID`", uses, about },
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
