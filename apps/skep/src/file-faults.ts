import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "@skep/edge-cli";
import { Fault, type FaultKind } from "@skep/fault";

/** What the system says of a file, in words, and the next step. */
interface Saying {
  readonly kind: FaultKind;
  readonly code: string;
  readonly why: string;
  readonly cure: string;
}

const mayNot = (why: string): Saying => ({
  kind: "denied",
  code: "file.denied",
  why,
  cure: "Name another place, or ask its owner for the right; `ls -ld` shows whose it is",
});

const full: Saying = {
  kind: "busy",
  code: "file.full",
  why: "there is no room on its file system",
  cure: "Free some space there, or name another place",
};

const sayings: Readonly<Record<string, Saying>> = {
  ENOENT: {
    kind: "absent",
    code: "file.absent",
    why: "no such file",
    cure: "Look at the name, and at the directory that you are in",
  },
  EEXIST: {
    kind: "conflict",
    code: "file.there",
    why: "there is such a file",
    cure: "Name another, or remove that one first",
  },
  EISDIR: {
    kind: "isDirectory",
    code: "file.directory",
    why: "it is a directory",
    cure: "Name a file",
  },
  ENOTDIR: {
    kind: "notDirectory",
    code: "file.under",
    why: "a part of its path is a file, not a directory",
    cure: "Look at the path",
  },
  EACCES: mayNot("permission denied"),
  EPERM: mayNot("the system does not permit it"),
  EROFS: mayNot("its file system is read-only"),
  ENOSPC: full,
  EDQUOT: full,
};

/** System calls on files, and what each does to one; those on sockets and processes are not meant. */
const verbs: Readonly<Record<string, string>> = {
  open: "open",
  opendir: "list",
  scandir: "list",
  read: "read",
  write: "write",
  fsync: "write",
  ftruncate: "write",
  mkdir: "make",
  mkdtemp: "make",
  link: "make",
  symlink: "make",
  rename: "rename",
  unlink: "remove",
  rmdir: "remove",
  rm: "remove",
  stat: "look at",
  lstat: "look at",
  access: "look at",
  chmod: "change",
  fchmod: "change",
  copyfile: "copy",
};

function withoutDirectory(path: string): Saying | undefined {
  const dir = dirname(path);
  if (existsSync(dir)) return undefined;
  return {
    kind: "absent",
    code: "file.absent",
    why: `there is no directory ${JSON.stringify(dir)}`,
    cure: `Make it with \`mkdir -p ${dir}\`, or name another`,
  };
}

/** What the system refused to do with a file, as a fault that names the file; anything else as it was thrown. */
export function fileFault(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof Fault) return thrown;
  const { code = "", syscall = "", path } = thrown as NodeJS.ErrnoException;
  const known = sayings[code];
  const verb = verbs[syscall];
  if (!known || verb === undefined) return thrown;
  const said = (code === "ENOENT" && path !== undefined && withoutDirectory(path)) || known;
  // With its directory there, what is missing was to be read.
  const done = said === sayings.ENOENT && verb === "open" ? "read" : verb;
  const what = path === undefined ? "file" : JSON.stringify(path);
  return new Fault(said.kind, said.code, `Cannot ${done} ${what}: ${said.why}`, {
    cure: said.cure,
    cause: thrown,
  });
}

/** The same command, whose mistakes with files are told in words. */
export function tellingFiles(command: Command): Command {
  return {
    ...command,
    start: async (context, values, flags) => {
      try {
        return await command.start(context, values, flags);
      } catch (thrown) {
        throw fileFault(thrown);
      }
    },
  };
}
