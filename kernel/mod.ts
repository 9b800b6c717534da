export { limits, type Limits } from "./limits.ts";
export { build, type Build } from "./namespace/build.ts";
export type {
  Act,
  Awaitable,
  Below,
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
  Inverse,
  Json,
  Node,
  Scene,
  StreamNode,
  SubtreeNode,
  TextNode,
  Undo,
  ValueNode,
} from "./namespace/node.ts";
export { join, parsePath, within } from "./namespace/path.ts";
export { Ring, type StreamSource } from "./state/ring.ts";
export { LateLines } from "./state/late-lines.ts";
export { type Bound, Space } from "./session/space.ts";
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
export {
  decodeRecord,
  encodeRecord,
  type JournalRecord,
  type RecordEffect,
  type RecordEvent,
  type Verdict,
} from "./journal/record.ts";
export { Journal, type JournalHooks } from "./journal/journal.ts";
export { Segments, type Opened, segmentSize } from "./journal/segments.ts";
export type { AppendFile, Files } from "./store/files.ts";
export type { Blobs, Upload } from "./store/blobs.ts";
export { type Index, type IndexEntry, touchKind } from "./store/index.ts";
export { blobFault, indexFault, storeFault } from "./store/faults.ts";
export { Lost } from "./store/lost.ts";
export { Pieces } from "./store/pieces.ts";
export { Kernel } from "./core/kernel.ts";
export type { KernelOptions } from "./core/options.ts";
export type { Made } from "./core/made.ts";
export { foldOn, foldTo, loadNearest, recover, type Recovered } from "./core/recover.ts";
export { emit as kernelEvent, type KernelSlice, type Lifecycle } from "./core/slice.ts";
export { Past, type PastOptions } from "./past/past.ts";
export { PastTree } from "./past/past-tree.ts";
export { keyOfRight, type PastAnswer, type PastQuestion, tellRight } from "./past/question.ts";
export { Replay, type Replayed, type ReplayOptions } from "./replay/replay.ts";
export type { Difference } from "./replay/compare.ts";
export { Slices } from "./core/slices.ts";
export { pointTo, readPointer, writeSnapshot, type Pointer } from "./core/snapshot.ts";
export { checks, type Check, type GateView } from "./gate/checks.ts";
export type { Bans } from "./gate/bans.ts";
export type { Answer, Intent } from "./gate/intent.ts";
export {
  actOf,
  type Acting,
  type Approved,
  type PolicyAsk,
  type PolicyEngine,
  type PolicyVerdict,
} from "./gate/policy.ts";
export { type PlacedControl, treeActs, type TreeActs } from "./gate/tree-acts.ts";
export { createTree, type Facet, type Found, pathNumber, type Place } from "./namespace/place.ts";
export {
  type Authority,
  type BlockBudget,
  callerOf,
  fullAuthority,
  type Grant,
  type Meter,
} from "./session/authority.ts";
export type { Entry, Handle, Identity, OpenMode, Stat } from "./session/handle.ts";
export { type AppendOptions, Session } from "./session/session.ts";
