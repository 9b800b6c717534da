import type { Below, Caller } from "../namespace/node.ts";
import type { Fault } from "@skep/fault";

/** Something asked about the files as they were; crosses threads as it is. */
export interface PastQuestion {
  readonly op: "kind" | "list" | "read";
  /** The state is that after this record. */
  readonly seq: number;
  /** Path inside: `/jobs/1/status`. */
  readonly path: string;
  readonly caller: Pick<Caller, "subject" | "role" | "session" | "blocks">;
  /** What the caller's present ticket allows, by `keyOfRight`, as far as it was asked. */
  readonly known: Readonly<Record<string, boolean>>;
}

/** The answer; with `asked` it is none yet: the question comes again with these rights known. */
export type PastAnswer =
  | { readonly asked: readonly string[] }
  | { readonly error: Pick<Fault, "kind" | "code" | "message"> }
  | { readonly kind: "dir" | "file" | undefined }
  | { readonly entries: readonly Below[] }
  | { readonly bytes: Uint8Array };

/** How a right at a path is named between threads; no right stands for `reaches`. */
export function keyOfRight(path: string, right = ""): string {
  return `${right}\n${path}`;
}

/** Whether a caller has what `keyOfRight` named. */
export function tellRight(caller: Caller, key: string): boolean {
  const at = key.indexOf("\n");
  const path = key.slice(at + 1);
  return at === 0 ? caller.reaches(path) : caller.may(path, key.slice(0, at));
}

/**
 * A caller whose ticket is in another thread. What is not known of it is noted, and taken as given meanwhile: an
 * answer found that way is thrown away.
 */
export class AskingCaller implements Caller {
  readonly subject: string;
  readonly role: string;
  readonly session: string;
  readonly blocks: readonly string[];
  readonly asked = new Set<string>();
  readonly #known: PastQuestion["known"];

  constructor({ caller, known }: PastQuestion) {
    this.subject = caller.subject;
    this.role = caller.role;
    this.session = caller.session;
    this.blocks = caller.blocks;
    this.#known = known;
  }

  #ask(key: string): boolean {
    const known = Object.hasOwn(this.#known, key) ? this.#known[key] : undefined;
    if (known === undefined) this.asked.add(key);
    return known ?? true;
  }

  may(path: string, right: string): boolean {
    return this.#ask(keyOfRight(path, right));
  }

  reaches(path: string): boolean {
    return this.#ask(keyOfRight(path));
  }
}
