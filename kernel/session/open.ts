import { faults } from "@skep/fault";
import { z } from "zod";
import type {
  Awaitable,
  BlobHandle,
  BlobNode,
  ControlNode,
  Scene,
  StreamNode,
  ValueNode,
} from "../namespace/node.ts";
import type { Found } from "../namespace/place.ts";
import { checkUpload } from "../gate/checks.ts";
import type { StreamSource } from "../state/ring.ts";
import { ControlHandle } from "./control-handle.ts";
import type { Handle, OpenMode } from "./handle.ts";
import { pieceOf } from "./pieces.ts";
import { renderBytes } from "./render.ts";
import type { View } from "./view.ts";
import { StreamHandle } from "./stream-handle.ts";

const fault = faults("file", {
  readOnly: ["refused", "Cannot write to a file that is only read"],
});

type Hidden = Scene<never, never>;

/** Bytes as they were at open. */
class BytesHandle implements Handle {
  readonly #bytes: Uint8Array;
  readonly #session: View;

  constructor(session: View, bytes: Uint8Array) {
    this.#session = session;
    this.#bytes = bytes;
  }

  read(offset: number, count: number): Uint8Array {
    this.#session.checkAlive();
    const part = this.#bytes.subarray(offset, offset + count);
    this.#session.charge(part.length);
    return part;
  }

  write(_offset: number, _data: Uint8Array): Awaitable<number> {
    throw fault.readOnly();
  }

  close(): void {
    // The bytes go with the handle.
  }
}

/** A value: reads what it was at open, sets it by appending. */
class ValueHandle extends BytesHandle {
  readonly #control: ControlHandle;

  constructor(session: View, bytes: Uint8Array, control: ControlHandle) {
    super(session, bytes);
    this.#control = control;
  }

  override write(offset: number, data: Uint8Array): Awaitable<number> {
    return this.#control.write(offset, data);
  }
}

// What the gate judges when an upload is complete: a command that nobody typed.
export function completion(node: BlobNode): ControlNode {
  return {
    kind: "control",
    doc: node.doc,
    input: z.strictObject({ size: z.int() }),
    undo: "compensable",
    act: () => "upload",
    upload: true,
    // Its bytes are on the disk already.
    outcome: true,
    decide: node.complete as never,
  };
}

class BlobFile implements Handle {
  readonly #blob: BlobHandle;
  readonly #session: View;
  readonly #found: Found;
  readonly #node: BlobNode;

  constructor(session: View, found: Found, node: BlobNode, blob: BlobHandle) {
    this.#session = session;
    this.#found = found;
    this.#node = node;
    this.#blob = blob;
  }

  read(offset: number, count: number, _signal?: AbortSignal, into?: Uint8Array): Awaitable<Uint8Array> {
    this.#session.checkAlive();
    const data = this.#blob.read(offset, count, into);
    return data instanceof Promise ? data.then((bytes) => this.#given(bytes)) : this.#given(data);
  }

  #given(bytes: Uint8Array): Uint8Array {
    this.#session.charge(bytes.length);
    return bytes;
  }

  write(_offset: number, data: Uint8Array): Awaitable<number> {
    this.#session.checkAlive();
    checkUpload(this.#session.authority.role, this.#session.kernel.space);
    this.#session.spend(this.#found, data.length);
    const complete = this.#blob.append(data);
    if (complete instanceof Promise) return complete.then((done) => this.#taken(data.length, done));
    return this.#taken(data.length, complete);
  }

  #taken(bytes: number, complete: boolean): Awaitable<number> {
    if (!complete) return bytes;
    const session = this.#session;
    const line = JSON.stringify({ size: this.#blob.size });
    try {
      session.answered(session.judge(this.#found, completion(this.#node), line));
    } catch (refused) {
      this.#blob.refused?.();
      throw refused;
    }
    return settledThen(session, bytes);
  }

  close(): Awaitable<void> {
    return this.#blob.close();
  }
}

function settledThen<T>(session: View, value: T): Awaitable<T> {
  const wait = session.kernel.settled();
  return wait ? wait.then(() => value) : value;
}

function openBytes(session: View, found: Found): Awaitable<Handle> {
  const bytes = renderBytes(session, found);
  if (bytes instanceof Promise)
    return bytes.then((ready) => settledThen(session, new BytesHandle(session, ready)));
  return settledThen(session, new BytesHandle(session, bytes));
}

function controlHandle(
  session: View,
  found: Found,
  node: ControlNode | ValueNode,
  readable: boolean,
): ControlHandle {
  return new ControlHandle(readable, {
    prepare: (line) => session.prepare(found, node, line),
    judge: (line) => {
      session.checkAlive();
      return session.judge(found, node, line);
    },
    // Answers of commands, too, are for a session that is there.
    settled: () => {
      session.checkAlive();
      return session.kernel.settled();
    },
    answered: (answer) => session.answered(answer),
    short: () => {
      session.kernel.metrics.counts.shortWrites += 1;
    },
    piece: () => pieceOf(session.kernel),
  });
}

function openStream(session: View, found: Found, node: StreamNode): Awaitable<Handle> {
  const source = node.source(session.scene(found) as Hidden);
  if (source instanceof Promise) return source.then((ready) => streamHandle(session, found, node, ready));
  return streamHandle(session, found, node, source);
}

function streamHandle(session: View, found: Found, node: StreamNode, source: StreamSource): Handle {
  const { anchors } = session;
  const anchor = anchors.get(found.path) ?? { at: source.base, open: 0 };
  anchor.open += 1;
  anchors.set(found.path, anchor);
  const told = found.path.replace(/\.follow$/, "");
  return new StreamHandle(source, found.place.facet === "follow", anchor.at, {
    alive: () => session.checkAlive(),
    onClose: (act) => session.onClose(act),
    settled: () => session.kernel.settled(),
    charge: (bytes) => session.charge(bytes),
    overtaken: (bytes) => session.kernel.rings.tellOvertaken(told, bytes),
    append: (data) => {
      session.checkAlive();
      if (!node.append) throw fault.readOnly(found.path);
      session.spend(found, data.length);
      return node.append(data, session.scene(found) as Hidden);
    },
    closed: () => {
      anchor.open -= 1;
      if (anchor.open === 0) anchors.delete(found.path);
    },
  });
}

/** A handle for what a path leads to; rights were checked. */
export function openNode(session: View, found: Found, mode: OpenMode): Awaitable<Handle> {
  const { node, facet } = found.place;
  if (facet === "json" || node.kind === "text") return openBytes(session, found);
  if (node.kind === "stream") return openStream(session, found, node);
  if (node.kind === "control") return controlHandle(session, found, node, mode.read);
  if (node.kind === "value") {
    const bytes = mode.read ? renderBytes(session, found) : new Uint8Array(0);
    return settledThen(
      session,
      new ValueHandle(session, bytes as Uint8Array, controlHandle(session, found, node, false)),
    );
  }
  if (node.kind !== "blob") throw fault.readOnly(found.path);
  const blob = node.open(session.scene(found) as Hidden);
  if (blob instanceof Promise) return blob.then((ready) => new BlobFile(session, found, node, ready));
  return new BlobFile(session, found, node, blob);
}
