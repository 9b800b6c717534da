import type { ControlNode, Scene } from "../namespace/node.ts";
import { commandOf } from "./checks.ts";

/** What a control makes ready before a line of it is judged; undefined when there is nothing to wait for. */
export function preparation(node: ControlNode, line: string, scene: Scene): Promise<void> | undefined {
  let command: unknown;
  try {
    command = commandOf(node, line);
  } catch {
    // The gate says what is wrong with it.
    return undefined;
  }
  // What could not be made ready is made when it is judged.
  return node.prepare?.(command as never, scene as Scene<never, never>)?.catch(() => undefined);
}
