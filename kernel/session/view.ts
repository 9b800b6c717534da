import type { Answer } from "../gate/intent.ts";
import type { ControlNode, Scene, ValueNode } from "../namespace/node.ts";
import type { Found } from "../namespace/place.ts";
import type { Authority } from "./authority.ts";
import type { SessionHost } from "./host.ts";

/** What opening, rendering and stat need of a session. */
export interface View {
  readonly kernel: SessionHost;
  readonly authority: Authority;
  /** File offset 0 of streams that are open here, so that sizes and offsets agree. */
  readonly anchors: Map<string, { readonly at: number; open: number }>;
  scene(found: Found): Scene;
  checkAlive(): void;
  /** Calls when the session ends; the answer takes that back. */
  onClose(act: () => void): () => void;
  charge(bytes: number): void;
  /** Counts bytes appended without a command; throws when a rate or budget is used up. */
  spend(found: Found, bytes: number): void;
  /** Resolves when a line can be judged at once; undefined when it can be now. */
  prepare(found: Found, node: ControlNode | ValueNode, line: string): Promise<void> | undefined;
  judge(found: Found, node: ControlNode | ValueNode, line: string): Answer;
  answered(answer: Answer): void;
}
