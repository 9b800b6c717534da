export { limits, type Limits } from "./limits.ts";
export { build, type Build } from "./namespace/build.ts";
export type {
  Awaitable,
  BlobHandle,
  BlobNode,
  Caller,
  ControlNode,
  Deciding,
  Decision,
  DirNode,
  EachNode,
  EffectCall,
  Emitted,
  Json,
  Node,
  Scene,
  StreamNode,
  Submit,
  TextNode,
  Undo,
  ValueNode,
} from "./namespace/node.ts";
export { join, parsePath, within } from "./namespace/path.ts";
export { Ring, type StreamSource } from "./state/ring.ts";
export type { Runtime } from "./state/runtime.ts";
export { type Row, type Scope, State } from "./state/scope.ts";
export type { Cell, Table } from "./state/table.ts";
export {
  defineProvider,
  type Effect,
  emitter,
  type EventMeta,
  type Folds,
  type Provider,
  type ProviderSpec,
  type Tick,
} from "./state/provider.ts";
export { decodeRecord, encodeRecord, type JournalRecord, type Verdict } from "./journal/record.ts";
export { Journal, type JournalHooks } from "./journal/journal.ts";
export { Segments, type Opened, segmentSize } from "./journal/segments.ts";
export type { AppendFile, Files } from "./store/files.ts";
export type { Blobs, Upload } from "./store/blobs.ts";
export type { Index, IndexEntry } from "./store/index.ts";
export { blobFault, indexFault, storeFault } from "./store/faults.ts";
