// A small hive in memory for this package's tests: files, one control, rings, and faults as the kernel raises them.
import { Fault } from "@skep/fault";
import type { ConsoleHandle, ConsoleSession } from "./session.ts";

interface MemoryFile {
  readonly kind: "text" | "stream" | "control" | "blob";
  bytes: Buffer;
  base: number;
  /** Judges an appended line; throws what refuses it. */
  judge?: (line: string) => void;
  /** Bytes that a stream keeps. */
  readonly capacity?: number;
}

/** The tree of the captured session of the facts page. */
export class MemoryHive {
  readonly files = new Map<string, MemoryFile>();
  /** Sessions closed so far, and how. */
  readonly closed: string[] = [];
  /** Appends wait for this, as they wait for the disk. */
  durable: Promise<void> | undefined;
  #workers = 0;

  constructor() {
    this.put("/proc/lifecycle/state", "text", "state=ONLINE\n");
    this.put("/queen/lifecycle/ctl", "control", "");
    this.put("/queen/telemetry/dev-1/latest", "text", "");
    this.put("/queen/ctl", "control", "").judge = (line) => this.#control(line);
    this.put("/log/queen.log", "stream", "[boot] hive is up\n");
  }

  put(path: string, kind: MemoryFile["kind"], content: string | Buffer, capacity?: number): MemoryFile {
    const file: MemoryFile = {
      kind,
      bytes: Buffer.from(content),
      base: 0,
      ...(capacity === undefined ? {} : { capacity }),
    };
    this.files.set(path, file);
    return file;
  }

  #control(line: string): void {
    let command: { spawn?: string; kill?: string };
    try {
      command = JSON.parse(line);
    } catch {
      throw new Fault("invalid", "gate.json", "Cannot take a line that is not one JSON object");
    }
    if (command.kill !== undefined) {
      if (!this.files.delete(`/worker/${command.kill}/telemetry`))
        throw new Fault("absent", "queen.unknown", "Cannot kill worker: no such worker");
    } else if (command.spawn === "heartbeat") {
      this.#workers++;
      this.put(`/worker/worker-${this.#workers}/telemetry`, "stream", "", 1024);
    } else throw new Fault("invalid", "queen.kind", "Cannot spawn: no such kind of worker");
  }

  names(path: string): string[] {
    const prefix = path === "/" ? "/" : `${path}/`;
    const found = new Set<string>();
    for (const each of this.files.keys())
      if (each.startsWith(prefix)) found.add(each.slice(prefix.length).split("/")[0] ?? "");
    return [...found].sort();
  }

  session(): ConsoleSession {
    return {
      open: (path) => this.#open(path),
      close: (how) => {
        this.closed.push(how);
      },
    };
  }

  #open(path: string): ConsoleHandle {
    const file = this.files.get(path);
    const names = this.names(path);
    if (!file && names.length === 0)
      throw new Fault("absent", "session.absent", "Cannot walk there: no such entry");
    const need = (): MemoryFile => {
      if (!file)
        throw new Fault("isDirectory", "session.isDirectory", "Cannot open a directory for its bytes");
      return file;
    };
    return {
      kind: file?.kind ?? "dir",
      size: file?.bytes.length,
      base: file?.base,
      list: () => {
        if (file)
          throw new Fault("notDirectory", "session.notDirectory", "Cannot list what is not a directory");
        return names;
      },
      read: (offset, count) => need().bytes.subarray(offset, offset + count),
      append: (bytes) => this.#append(path, need(), Buffer.from(bytes)),
      close: () => undefined,
    };
  }

  #append(path: string, file: MemoryFile, bytes: Buffer): number | Promise<number> {
    if (file.kind === "text")
      throw new Fault("refused", "session.notWritable", `Cannot write to this file: ${path}`);
    file.judge?.(bytes.toString().replace(/\n$/, ""));
    if (file.kind !== "control") {
      file.bytes = Buffer.concat([file.bytes, bytes]);
      const over = file.bytes.length - (file.capacity ?? Number.POSITIVE_INFINITY);
      if (over > 0) {
        file.bytes = file.bytes.subarray(over);
        file.base += over;
      }
    }
    return this.durable ? this.durable.then(() => bytes.length) : bytes.length;
  }
}
