import { readFileSync } from "node:fs";

/** Files that a hive holds besides its connections: journal, index, blobs, workers, the mesh. */
const others = 512;

/** How many connections an edge may have. */
export interface Room {
  readonly connections: number;
  /** Why it is fewer than were asked for. */
  readonly warning?: string;
}

function openFiles(): number {
  try {
    const found = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return found?.[1] === undefined || found[1] === "unlimited" ? Number.POSITIVE_INFINITY : Number(found[1]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * As many connections as are wanted, or as the files that this process may open leave room for: what is refused at the
 * edge can be told, what fails at accept cannot. Node raises its own limit to the hard one when it starts.
 */
export function roomFor(wanted: number, files: number = openFiles()): Room {
  const connections = Math.min(wanted, Math.max(16, files - others));
  if (connections === wanted) return { connections };
  const cure = `raise the hard limit (LimitNOFILE=${wanted + others} in a systemd unit, or ulimit -Hn)`;
  return {
    connections,
    warning: `limits.connections is ${wanted}, but this process may open ${files} files: ${connections} connections at a time; ${cure}`,
  };
}
