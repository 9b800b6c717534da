// A small tree in memory for the tests of this package.
import { QT } from "./constants.ts";
import { fault } from "./faults.ts";
import type { Attr, Call, DirEntry, Host, HostFile, HostHandle, Root } from "./host.ts";

let paths = 0;

function qidOf(type: number) {
  return { type, version: 0, path: ++paths };
}

/** A directory of what is given; more can be put in later. */
export function dir(entries: Record<string, HostFile>): HostFile & { entries: Record<string, HostFile> } {
  const self = {
    entries,
    qid: qidOf(QT.dir),
    walk(name: string): HostFile {
      const found = Object.hasOwn(self.entries, name) ? self.entries[name] : undefined;
      if (!found) throw fault.absent(name);
      return found;
    },
    getattr: (): Attr => ({ mode: 0o500, size: 0, mtime: 1_700_000_000_123 }),
    open: (): HostHandle => ({
      readdir: (cookie) =>
        Object.entries(self.entries)
          .map(([name, file], at): DirEntry => ({ name, qid: file.qid, cookie: at + 1 }))
          .slice(cookie),
    }),
  };
  return self;
}

/** A file of fixed bytes. */
export function text(content: string | Uint8Array): HostFile {
  const bytes = Buffer.from(content as string);
  return {
    qid: qidOf(QT.file),
    walk: leaf,
    getattr: () => ({ mode: 0o400, size: bytes.length, mtime: 1_700_000_000_000 }),
    open(mode) {
      if (mode.write) throw fault.byDesign();
      return { read: (offset, count) => bytes.subarray(offset, offset + count) };
    },
  };
}

/** A control: keeps the lines it gets and refuses those that `judge` throws for. */
export function control(judge: (line: string) => void = () => undefined): HostFile & { lines: string[] } {
  const lines: string[] = [];
  const answers: string[] = [];
  const write = (_: number, data: Uint8Array): number => {
    let taken = 0;
    for (const line of Buffer.from(data)
      .toString()
      .match(/[^\n]*\n|[^\n]+$/g) ?? []) {
      try {
        judge(line.trimEnd());
      } catch (thrown) {
        if (taken === 0) throw thrown;
        break;
      }
      lines.push(line.trimEnd());
      answers.push(`{"ok":${JSON.stringify(line.trimEnd())}}\n`);
      taken += Buffer.byteLength(line);
    }
    return taken;
  };
  return {
    lines,
    qid: qidOf(QT.append),
    ignoresTruncate: true,
    walk: leaf,
    getattr: () => ({ mode: 0o600, size: 0 }),
    open: (mode) => ({
      ...(mode.read && {
        read: (at: number, count: number) => Buffer.from(answers.join("")).subarray(at, at + count),
      }),
      ...(mode.write && { write }),
    }),
  };
}

/** A stream with its two names: `plain` ends, `follow` waits. */
export class Stream {
  readonly plain: HostFile;
  readonly follow: HostFile;
  #bytes = Buffer.alloc(0);
  #wake = Promise.withResolvers<void>();
  readonly #qid = qidOf(QT.append);
  /** Reads that were told to stop. */
  aborted = 0;
  opened = 0;

  constructor() {
    this.plain = this.#file(() => this.#plain());
    this.follow = this.#file(() => this.#follow());
  }

  append(text: string): void {
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(text)]);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  #file(open: () => HostHandle): HostFile {
    return {
      qid: { ...this.#qid, path: ++paths },
      walk: leaf,
      getattr: () => ({ mode: 0o400, size: this.#bytes.length }),
      open,
    };
  }

  #plain(): HostHandle {
    return { read: (offset, count) => this.#bytes.subarray(offset, offset + count) };
  }

  #follow(): HostHandle {
    let quiet = true;
    this.opened += 1;
    const wait = async (offset: number, count: number, call: Call): Promise<Uint8Array> => {
      const stop = Promise.withResolvers<void>();
      call.signal.addEventListener("abort", () => {
        this.aborted += 1;
        stop.reject(fault.canceled());
      });
      while (this.#bytes.length <= offset) await Promise.race([this.#wake.promise, stop.promise]);
      quiet = false;
      return this.#bytes.subarray(offset, offset + count);
    };
    return {
      waits: true,
      read: (offset, count, call) => {
        if (this.#bytes.length > offset) {
          quiet = false;
          return this.#bytes.subarray(offset, offset + count);
        }
        if (quiet) return wait(offset, count, call);
        quiet = true;
        return new Uint8Array(0);
      },
      close: () => {
        this.opened -= 1;
      },
    };
  }
}

function leaf(): never {
  throw fault.notDirectory();
}

/** A host that gives this tree to everybody. */
export function hostOf(file: HostFile, more: Partial<Root> = {}): Host {
  return { attach: () => ({ file, ...more }) };
}
