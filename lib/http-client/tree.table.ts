// Made from the tree by `npm run docs`; not edited by hand.

import type {
  CasCommand,
  ContainCommand,
  ExportCommand,
  GpuCommand,
  HostAgentCommand,
  HostTicket,
  JobCommand,
  JoinCommand,
  LeaseCommand,
  LeaveCommand,
} from "./commands-a-l.table.ts";
import type {
  ManifestCommand,
  ModelCommand,
  ModelsCommand,
  NetCommand,
  PolicyCommand,
  QueenCommand,
  QueueCommand,
  RenewCommand,
  ReplayCommand,
  ResultCommand,
  ScheduleCommand,
  TelemetryCommand,
  TrustCommand,
  UpdateCommand,
  WorkerCommand,
} from "./commands-m-z.table.ts";

/** What each control takes; a part that a state names is any text. */
export interface Controls {
  readonly "/actions/queue": QueueCommand;
  readonly "/cas/ctl": CasCommand;
  readonly [path: `/gpu/${string}/ctl`]: GpuCommand;
  readonly "/host/tickets/spec": HostTicket;
  readonly [path: `/host/${string}/ctl`]: HostAgentCommand;
  readonly "/jobs/ctl": JobCommand;
  readonly "/models/ctl": ModelsCommand;
  readonly [path: `/models/${string}/ctl`]: ModelCommand;
  readonly "/net/ctl": NetCommand;
  readonly "/net/join": JoinCommand;
  readonly "/policy/contain": ContainCommand;
  readonly "/policy/ctl": PolicyCommand;
  readonly "/queen/ctl": QueenCommand;
  readonly "/queen/export/ctl": ExportCommand;
  readonly "/queen/lease/ctl": LeaseCommand;
  readonly "/queen/manifest/ctl": ManifestCommand;
  readonly "/queen/schedule/ctl": ScheduleCommand;
  readonly [path: `/queen/telemetry/${string}/ctl`]: TelemetryCommand;
  readonly "/replay/ctl": ReplayCommand;
  readonly [path: `/updates/${string}/ctl`]: UpdateCommand;
  readonly [path: `/worker/${string}/ctl`]: WorkerCommand;
  readonly [path: `/worker/${string}/leave`]: LeaveCommand;
  readonly [path: `/worker/${string}/renew`]: RenewCommand;
  readonly [path: `/worker/${string}/results`]: ResultCommand;
  readonly [path: `/worker/${string}/standing`]: TrustCommand;
}
