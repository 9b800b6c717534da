import { faults } from "@skep/fault";
import type { Cell, Decision, EventMeta, Json, Scope } from "@skep/kernel";
import { parsePolicy } from "@skep/tlog";

const cure = "See the form in docs/operations.md: `witness NAME VKEY URL`, `group …`, `quorum NAME`";

const fault = faults("governed", {
  witnesses: ["invalid", "Cannot use this policy of witnesses", { cure, detail: "invalid-payload" }],
  address: ["invalid", "Cannot use this policy of witnesses: a witness has no address", { cure }],
});

type Put = { readonly by: string; readonly at: number; readonly seq: number };

/** How long things are kept, milliseconds and bytes, and who said so. */
export type Retained = {
  readonly outputsAge: number;
  readonly outputsSize: number;
  readonly jobsAge: number;
};

/** Whose cosignatures are asked for, as a C2SP tlog-policy; empty for nobody's. */
export type Witnessed = { readonly policy: string };

/** What is governed beside rules and signers; null before its first value. */
export interface GovernedSlice {
  readonly retention: Cell<(Retained & Put) | null>;
  readonly witnesses: Cell<(Witnessed & Put) | null>;
}

/** What others may know of it. */
export interface GovernedView {
  readonly retention: Retained | undefined;
  /** The text of the tlog-policy; undefined while none was ever set. */
  readonly witnesses: string | undefined;
}

/** The cells of an empty journal. */
export const governedInitial = (scope: Scope): GovernedSlice => ({
  retention: scope.cell<(Retained & Put) | null>("retention", null),
  witnesses: scope.cell<(Witnessed & Put) | null>("witnesses", null),
});

const put = ({ subject, time, seq }: EventMeta): Put => ({ by: subject, at: time, seq });

/** How its events fold; the stores of blobs and jobs fold `policy:retained@1` too. */
export const governedEvents = {
  "retained@1": (
    { retention }: GovernedSlice,
    { outputsAge, outputsSize, jobsAge }: Retained,
    meta: EventMeta,
  ) => retention.set({ outputsAge, outputsSize, jobsAge, ...put(meta) }),
  "witnessed@1": ({ witnesses }: GovernedSlice, { policy }: Witnessed, meta: EventMeta) =>
    witnesses.set({ policy, ...put(meta) }),
} as const;

/** What `/policy/ctl` takes. */
export type RetentionLine = {
  readonly op: "retention";
  readonly outputs_age_ms: number;
  readonly outputs_size: number;
  readonly ended_jobs_age_ms: number;
};

/** The event of a line. */
export function retained(line: Omit<RetentionLine, "op">): Decision {
  const data: Retained = {
    outputsAge: line.outputs_age_ms,
    outputsSize: line.outputs_size,
    jobsAge: line.ended_jobs_age_ms,
  };
  return { events: [{ type: "retained@1", data }], result: data };
}

/** The event of a policy of witnesses. Throws `governed.witnesses`, `.address`. */
export function witnessed(policy: string): Decision {
  let count = 0;
  if (policy !== "") {
    let parties: ReturnType<typeof parsePolicy>["parties"];
    try {
      ({ parties } = parsePolicy(policy));
    } catch (thrown) {
      throw fault.witnesses((thrown as Error).message, { cause: thrown });
    }
    const silent = parties.witnesses.find(({ url }) => url === undefined);
    if (silent) throw fault.address(silent.verifier.name);
    count = parties.witnesses.length;
  }
  return { events: [{ type: "witnessed@1", data: { policy } }], result: { witnesses: count } };
}

/** The line that puts back what is kept how long now. */
export function retentionBack({ retention }: GovernedSlice, given: RetentionLine): RetentionLine {
  const now = retention.get();
  if (!now) return given;
  const { outputsAge, outputsSize, jobsAge } = now;
  return {
    op: "retention",
    outputs_age_ms: outputsAge,
    outputs_size: outputsSize,
    ended_jobs_age_ms: jobsAge,
  };
}

/** `/policy/retention`. */
export function retentionText({ retention }: GovernedSlice): string {
  const now = retention.get();
  if (!now) return "";
  const { outputsAge, outputsSize, jobsAge, by, at, seq } = now;
  return (
    `outputs_age_ms=${outputsAge}\noutputs_size=${outputsSize}\nended_jobs_age_ms=${jobsAge}\n` +
    `by=${by} at_ms=${at} record=${seq}\n`
  );
}

/** Its JSON twin, in the words of the line that sets it. */
export function retentionJson({ retention }: GovernedSlice): Json {
  const now = retention.get();
  if (!now) return null;
  const { outputsAge, outputsSize, jobsAge, by, at, seq } = now;
  return {
    outputs_age_ms: outputsAge,
    outputs_size: outputsSize,
    ended_jobs_age_ms: jobsAge,
    by,
    at,
    record: seq,
  };
}
