import { type Fault, faults, toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { formatDuration } from "@skep/text";

const fault = faults("approve", {
  unknown: ["absent", "Cannot find action", { cure: "`skep approvals --all` lists those that there are" }],
});

/** What is told of an action that there is not. */
export function unknownAction(id: string): (cause: unknown) => Fault {
  return (cause) => fault.unknown(id, { cause });
}

/** How far an action is, or an approval in the queue. */
export interface Status {
  readonly id: string;
  readonly kind: "queued" | "action";
  readonly state: string;
  readonly path?: string;
  readonly target?: string;
  readonly act?: string;
  readonly by: string;
  readonly expires: number;
  readonly needs?: readonly {
    rule: string;
    approvals: number;
    role: string | null;
    by: string;
    have: number;
  }[];
}

/** Text of a file. */
export async function read(client: Client, path: string, signal: AbortSignal): Promise<string> {
  return Buffer.from(await client.readAll(path, { signal })).toString();
}

/** The result, or what `unknown` makes of it when there is nothing of that name. */
export async function found<T>(asked: Promise<T>, unknown: (cause: unknown) => Fault): Promise<T> {
  return await asked.catch((thrown: unknown) => {
    throw toFault(thrown).kind === "absent" ? unknown(thrown) : thrown;
  });
}

/** The action that a statement is of, or what `bad` makes of a text that is none. */
export async function actionOf(text: string, bad: (cause: unknown) => Fault): Promise<string> {
  const { parseStatement } = await import("@skep/statement");
  try {
    return parseStatement(text).action;
  } catch (cause) {
    throw bad(cause);
  }
}

/** Throws `approve.unknown`. */
export async function statusOf(client: Client, id: string, signal: AbortSignal): Promise<Status> {
  if (!/^[\w.-]{1,64}$/.test(id)) throw unknownAction(id)(undefined);
  const text = await found(read(client, `/actions/${id}/status.json`, signal), unknownAction(id));
  return JSON.parse(text) as Status;
}

/** Whether it can still be decided. */
export const live = ({ state }: Status): boolean => ["waiting", "approved", "queued"].includes(state);

/** What an approval came to, in words. */
export function agreed(id: string, result: unknown): string {
  const told = result as { readonly by: string; readonly ready: boolean; readonly starts_in_ms?: number };
  const { by, ready, starts_in_ms: wait = 0 } = told;
  const runs =
    wait > 0 ? `: it runs in ${formatDuration(wait)}; until then: skep reject ${id}` : ": it runs now";
  return `Approved ${id} as ${by}${ready ? runs : "; more approvals are needed"}`;
}
