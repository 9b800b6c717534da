import { type Attr, attrOut, direntsOut, entryOut, openOut, statfsOut, writeOut } from "./answers.ts";
import { fault } from "./faults.ts";
import type { Call, DirHandle, Filesystem, Handle } from "./filesystem.ts";
import type { Handles } from "./handles.ts";
import type { Nodes } from "./nodes.ts";
import type { Body, OpName } from "./requests.ts";

/** What operations work on. */
export interface At {
  readonly nodes: Nodes;
  readonly files: Filesystem;
  /** How long the kernel may keep what it is told of a file, milliseconds. */
  readonly keptMs: number;
  readonly handles: Handles<Handle>;
  readonly dirs: Handles<DirHandle>;
}

/** The payload of an answer. */
export interface Answer {
  readonly parts: readonly Uint8Array[];
  /** Takes back what the kernel does not know of when it does not want the answer any more. */
  readonly undo?: () => void;
}

/** Operations that are answered by the server itself. */
type Immediate = "INIT" | "FORGET" | "BATCH_FORGET" | "INTERRUPT";

/** Operations that ask the file system. */
export type Asking = Exclude<OpName, Immediate>;

type Act<N extends OpName> = (at: At, body: Body<N>, nodeid: number, call: Call) => Answer | Promise<Answer>;

/** FOPEN_DIRECT_IO: the kernel keeps nothing of the file and passes each read and write on. */
const directIo = 1;
const typeBits = 0o170000;
const done: Answer = { parts: [] };
const just = (bytes: Uint8Array): Answer => ({ parts: [bytes] });

function attrOf({ nodes, files, handles }: At, nodeid: number, fh: number | undefined, call: Call) {
  return fh === undefined ? files.getattr(nodes.pathOf(nodeid), call) : handles.get(fh).getattr(call);
}

/** Whether the owner's bits of the mode have all that is asked for; only one user gets in. */
function allows({ mode }: Attr, mask: number): boolean {
  return ((mode >> 6) & mask & 7) === (mask & 7);
}

/** What is done for each operation. */
export const operations: { readonly [N in Asking]: Act<N> } = {
  async LOOKUP({ nodes, files, keptMs }, { name }, parent, call) {
    const path = nodes.childOf(parent, name);
    const attr = await files.getattr(path, call);
    const nodeid = nodes.remember(path, attr.mode & typeBits);
    return { parts: [entryOut(nodeid, attr, keptMs)], undo: () => nodes.forget(nodeid, 1n) };
  },
  GETATTR: async (at, { fh }, nodeid, call) => just(attrOut(await attrOf(at, nodeid, fh, call), at.keptMs)),
  async SETATTR({ nodes, files, keptMs }, change, nodeid, call) {
    const path = nodes.pathOf(nodeid);
    await files.setattr(path, change, call);
    return just(attrOut(await files.getattr(path, call), keptMs));
  },
  async OPEN({ nodes, files, handles }, { flags }, nodeid, call) {
    const fh = handles.add(await files.open(nodes.pathOf(nodeid), flags, call));
    return { parts: [openOut(fh, directIo)], undo: () => handles.release(fh) };
  },
  READ: async ({ handles }, { fh, offset, size }, _, call) => ({
    parts: await handles.get(fh).read(offset, size, call),
  }),
  async WRITE({ handles }, { fh, offset, data }, _, call) {
    return just(writeOut(await handles.get(fh).write(offset, data, call)));
  },
  STATFS: async ({ files }, _body, _, call) => just(statfsOut(await files.statfs(call))),
  RELEASE({ handles }, { fh }) {
    handles.release(fh);
    return done;
  },
  async FSYNC({ handles }, { fh }, _, call) {
    await handles.get(fh).fsync(call);
    return done;
  },
  /** Each write was acknowledged by itself: at a close there is nothing left to say. */
  FLUSH: () => done,
  async OPENDIR({ nodes, files, dirs }, _body, nodeid, call) {
    const fh = dirs.add(await files.opendir(nodes.pathOf(nodeid), call));
    return { parts: [openOut(fh, 0)], undo: () => dirs.release(fh) };
  },
  async READDIR({ dirs }, { fh, offset, size }, _, call) {
    const entries = await dirs.get(fh).entries(offset, size, call);
    return just(direntsOut(entries, size));
  },
  RELEASEDIR({ dirs }, { fh }) {
    dirs.release(fh);
    return done;
  },
  async ACCESS({ nodes, files }, { mask }, nodeid, call) {
    if (!allows(await files.getattr(nodes.pathOf(nodeid), call), mask)) throw fault.access();
    return done;
  },
  DESTROY: () => done,
};
