export { seeded } from "./clock/seeded.ts";
export { type SimulatedClock, simulatedClock } from "./clock/simulated-clock.ts";
export { CutOff, StepsOnDisk } from "./storage/cut-off.ts";
export { filesSuite } from "./storage/files-suite.ts";
export type { PowerCut } from "./storage/power-cuts.ts";
export {
  type DiskFailure,
  type DiskOp,
  type Held,
  type RecordingFiles,
  recordingFiles,
} from "./storage/recording-files.ts";
export type { Image } from "./storage/steps.ts";
export { toyAuthority, toyHive, type ToyOptions, toyProvider } from "./hive/toy-hive.ts";
export { type GuestResult, type GuestTask, guestHost, runGuest, type Step } from "./guest/guest.ts";
export { guestLacks } from "./guest/image.ts";
/** Transcripts: one behaviour, played through every edge. */
export { ConsoleClient } from "./console/client.ts";
export { consoleDoor } from "./transcripts/console-door.ts";
export type { Answer, Door } from "./transcripts/door.ts";
export { type Act, consoleExceptions, type Exception } from "./transcripts/exceptions.ts";
export { type Actor, type Block, parseTranscript, printTranscript } from "./transcripts/format.ts";
export { httpDoor } from "./transcripts/http-door.ts";
export { ninepDoor } from "./transcripts/ninep-door.ts";
export {
  contentLines,
  differences,
  type Entry,
  Play,
  type Played,
  printedAnswers,
  type Stage,
} from "./transcripts/play.ts";
export { sessionDoor } from "./transcripts/session-door.ts";
export { type Filled, fillHive, type Past } from "./big-home/fill.ts";
/** Networks of namespaces, with routers that translate addresses. */
export { createLab, type Host, type Lab, labLacks, type NatOptions, type Network } from "./lab/lab.ts";
/** A node of the mesh in a process of its own, here or in a machine of a lab. */
export { type Asked, FarNode } from "./mesh/far-node.ts";
/** A collector of OpenTelemetry that complains. */
export {
  type CollectedMetric,
  type CollectedSpan,
  type Collector,
  startCollector,
} from "./otel/collector.ts";
/** Workers over TCP, as many as one likes, with a session each. */
export { Crowd, type CrowdReport } from "./scale/crowd.ts";
export { percentileOf } from "./scale/latencies.ts";
export type { Given } from "./scale/worker.ts";
/** What hosts run: stand-ins that count what was done to them. */
export { FakeCluster } from "./hosts/cluster.ts";
export { FakeEngine } from "./hosts/engine.ts";
export { FakeSystemd, type FakeUnit } from "./hosts/systemd.ts";
export { FakeTarget } from "./hosts/target.ts";
/** A LoRa gateway with a packet forwarder, written from its public protocol alone. */
export { type Manner, type OnAir, PacketForwarder } from "./lora/forwarder.ts";
/** A DNP3 outstation that counts what it was made to do. */
export { FakeOutstation, type OutstationManner } from "./buses/outstation.ts";
