// Made from the tree by `npm run docs`; not edited by hand.

/** Answer, as the interface of the hive describes it. */
export type Answer = {
  readonly id?: number;
  readonly verdict: "ok" | "refused" | "waiting";
  readonly result?: unknown;
};

/** ArmSession, as the interface of the hive describes it. */
export type ArmSession = { readonly minutes: number };

/** CasCommand, as the interface of the hive describes it. */
export type CasCommand = { readonly op: "gc" };

/** ContainCommand, as the interface of the hive describes it. */
export type ContainCommand =
  | {
      readonly op: "quarantine";
      readonly module: string;
      readonly reason: string;
      readonly for_s?: number;
      readonly until?: number;
    }
  | {
      readonly op: "quarantine";
      readonly class: string;
      readonly reason: string;
      readonly for_s?: number;
      readonly until?: number;
    }
  | {
      readonly op: "block";
      readonly subject: string;
      readonly reason: string;
      readonly for_s?: number;
      readonly until?: number;
    }
  | {
      readonly op: "freeze";
      readonly worker: string;
      readonly reason: string;
      readonly for_s?: number;
      readonly until?: number;
    }
  | {
      readonly op: "revoke";
      readonly ticket: string;
      readonly reason: string;
      readonly for_s?: number;
      readonly until?: number;
    }
  | {
      readonly op: "revoke";
      readonly node: string;
      readonly reason: string;
      readonly for_s?: number;
      readonly until?: number;
    }
  | {
      readonly op: "drain";
      readonly worker: string | "*";
      readonly reason: string;
      readonly for_s?: number;
      readonly until?: number;
    }
  | { readonly op: "lift"; readonly ban: string };

/** Description, as the interface of the hive describes it. */
export type Description = {
  readonly path: string;
  readonly kind: "dir" | "text" | "stream" | "control" | "value" | "blob";
  readonly doc: string;
  readonly right?: string;
  readonly undo?: "reversible" | "compensable" | "irreversible";
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly examples?: ReadonlyArray<unknown>;
};

/** EchoBatchBody, as the interface of the hive describes it. */
export type EchoBatchBody = {
  readonly items: ReadonlyArray<{ readonly path: string; readonly line: string }>;
  readonly continue?: boolean;
};

/** EchoBody, as the interface of the hive describes it. */
export type EchoBody = { readonly path: string; readonly line: string };

/** Entry, as the interface of the hive describes it. */
export type Entry = {
  readonly name: string;
  readonly kind: "dir" | "file";
  readonly append: boolean;
  readonly href: string;
};

/** ExportCommand, as the interface of the hive describes it. */
export type ExportCommand =
  | {
      readonly op: "export";
      readonly id: string;
      readonly device: string;
      readonly segments?: ReadonlyArray<string>;
      readonly base_model?: string;
      readonly policy?: Readonly<Record<string, string | number | boolean>>;
    }
  | { readonly op: "remove"; readonly id: string };

/** FsReply, as the interface of the hive describes it. */
export type FsReply = {
  readonly status: "OK" | "ERR";
  readonly verb: string;
  readonly path: string;
  readonly end: boolean;
  readonly lines: ReadonlyArray<string>;
  readonly bytes: number;
  readonly error?: string;
  readonly why?: string;
  readonly code?: string;
  readonly next?: string;
  readonly id?: number;
  readonly result?: unknown;
};

/** GpuCommand, as the interface of the hive describes it. */
export type GpuCommand =
  | { readonly op: "begin"; readonly command: string }
  | { readonly op: "note"; readonly run: string; readonly text: string }
  | { readonly op: "end"; readonly run: string; readonly exit: number | null };

/** GpuLease, as the interface of the hive describes it. */
export type GpuLease = {
  readonly gpu_id: string;
  readonly mem_mb: number;
  readonly streams: number;
  readonly ttl_s: number;
  readonly priority?: number;
};

/** HostAgentCommand, as the interface of the hive describes it. */
export type HostAgentCommand =
  | {
      readonly op: "hello";
      readonly incarnation: string;
      readonly version: string;
      readonly allows: ReadonlyArray<string>;
    }
  | {
      readonly op: "names";
      readonly incarnation: string;
      readonly facet: "systemd" | "docker" | "k8s" | "nvidia" | "net";
      readonly add?: ReadonlyArray<string>;
      readonly remove?: ReadonlyArray<string>;
    }
  | { readonly op: "claim"; readonly incarnation: string; readonly ticket: string }
  | {
      readonly op: "running";
      readonly incarnation: string;
      readonly ticket: string;
      readonly before: Readonly<Record<string, string | number | boolean>> | null;
    }
  | {
      readonly op: "report";
      readonly incarnation: string;
      readonly ticket: string;
      readonly state: "succeeded" | "failed" | "unknown";
      readonly reason?: string;
      readonly evidence: Readonly<Record<string, string | number | boolean>> | null;
      readonly output?: string;
    };

/** HostTicket, as the interface of the hive describes it. */
export type HostTicket =
  | {
      readonly schema?: "host-ticket/v1";
      readonly id: string;
      readonly idempotency_key?: string;
      readonly action:
        | "systemd.start"
        | "systemd.stop"
        | "systemd.restart"
        | "systemd.status"
        | "docker.start"
        | "docker.stop"
        | "docker.restart"
        | "docker.status"
        | "k8s.cordon"
        | "k8s.uncordon"
        | "k8s.drain"
        | "k8s.lease"
        | "nvidia.power_cap"
        | "gpu.lease.grant"
        | "gpu.lease.renew"
        | "gpu.lease.release"
        | "peft.import"
        | "peft.activate"
        | "peft.rollback";
      readonly host?: string;
      readonly target: string;
      readonly params?: {
        readonly watts?: number;
        readonly grace_s?: number;
        readonly lines?: number;
        readonly holder?: string;
        readonly lease_s?: number;
        readonly priority?: number;
      };
      readonly ttl_s?: number;
      readonly issued_unix_ms?: number;
    }
  | { readonly op: "redrive"; readonly id: string };

/** JobCheckpoint, as the interface of the hive describes it. */
export type JobCheckpoint = {
  readonly file: string;
  readonly every_ms?: number;
  readonly max_bytes?: number;
};

/** JobCommand, as the interface of the hive describes it. */
export type JobCommand =
  | {
      readonly op: "submit";
      readonly manifest?: Readonly<Record<string, unknown>>;
      readonly run?: {
        readonly kind: "wasm" | "task";
        readonly module?: string;
        readonly name?: string;
        readonly args?: ReadonlyArray<string>;
        readonly env?: Readonly<Record<string, string>>;
        readonly limits?: {
          readonly wall_ms?: number;
          readonly memory_bytes?: number;
          readonly fuel?: string;
          readonly stdout_bytes?: number;
          readonly stderr_bytes?: number;
        };
        readonly grade?: "fresh" | "shared";
        readonly class?: string;
        readonly checkpoint?: JobCheckpoint;
        readonly where?: JobWhere;
        readonly priority?: number;
        readonly deadline_ms?: number;
        readonly replicas?: number;
        readonly quorum?: number;
        readonly determinism?: "pure" | "loose";
      };
      readonly stdin?:
        | { readonly inline: string }
        | { readonly digest: string }
        | { readonly job: string | number };
      readonly needs?: ReadonlyArray<string | number>;
    }
  | {
      readonly op: "array";
      readonly manifest: Readonly<Record<string, unknown>>;
      readonly inputs: ReadonlyArray<{ readonly inline: string } | { readonly digest: string }>;
      readonly array?: string | number;
    }
  | { readonly op: "cancel"; readonly job: string | number };

/** JobWhere, as the interface of the hive describes it. */
export type JobWhere = {
  readonly labels?: ReadonlyArray<string>;
  readonly arch?: string;
  readonly memory_bytes?: number;
  readonly classes?: ReadonlyArray<"owned" | "borrowed" | "rented" | "volunteer">;
  readonly data?: "public" | "internal" | "private";
  readonly attested?: boolean;
};

/** JoinCommand, as the interface of the hive describes it. */
export type JoinCommand = {
  readonly op: "redeem";
  readonly node: string;
  readonly box: string;
  readonly name: string;
  readonly proof: string;
};

/** LeaseCommand, as the interface of the hive describes it. */
export type LeaseCommand =
  | {
      readonly op: "grant";
      readonly resource: string;
      readonly holder: string;
      readonly ttl_s: number;
      readonly units?: number;
      readonly priority?: number;
      readonly preempt?: boolean;
    }
  | { readonly op: "renew"; readonly lease: string; readonly ttl_s: number }
  | { readonly op: "release"; readonly lease: string }
  | { readonly op: "preempt"; readonly lease: string; readonly reason: string }
  | { readonly op: "units"; readonly resource: string; readonly units: number | null }
  | { readonly op: "quota"; readonly holder: string; readonly leases: number | null };

/** LeaveCommand, as the interface of the hive describes it. */
export type LeaveCommand = { readonly op: "leave" };

/** Listing, as the interface of the hive describes it. */
export type Listing = {
  readonly path: string;
  readonly kind: "dir";
  readonly doc: string;
  readonly entries: ReadonlyArray<Entry>;
  readonly next?: string;
};

/** ManifestCommand, as the interface of the hive describes it. */
export type ManifestCommand = { readonly op: "reload" };

/** ModelCommand, as the interface of the hive describes it. */
export type ModelCommand = { readonly op: "finish" } | { readonly op: "retire" };

/** ModelsCommand, as the interface of the hive describes it. */
export type ModelsCommand =
  | { readonly op: "activate"; readonly model: string | ""; readonly from?: string | "" }
  | { readonly op: "rollback" };

/** NetCommand, as the interface of the hive describes it. */
export type NetCommand =
  | {
      readonly op: "invite";
      readonly class?: "owned" | "borrowed" | "rented" | "volunteer";
      readonly role?: "worker" | "observer";
      readonly owner?: string;
      readonly labels?: ReadonlyArray<string>;
      readonly ttl_ms?: number;
      readonly term_ms?: number;
    }
  | { readonly op: "revoke"; readonly invite: string }
  | { readonly op: "remove"; readonly node: string; readonly reason?: string }
  | {
      readonly op: "engage";
      readonly volunteer: string;
      readonly module?: string;
      readonly requirements?: {
        readonly cpu_cores?: number;
        readonly memory_mb?: number;
        readonly timeout_seconds?: number;
        readonly arch?: string;
        readonly wasm_runtime?: string;
      };
      readonly term_ms?: number;
    }
  | { readonly op: "label"; readonly node: string; readonly labels: ReadonlyArray<string> };

/** OpenSession, as the interface of the hive describes it. */
export type OpenSession = { readonly code: string; readonly key: { readonly x: string; readonly y: string } };

/** PolicyCommand, as the interface of the hive describes it. */
export type PolicyCommand =
  | { readonly op: "stage"; readonly file: string; readonly at: number; readonly text: string }
  | {
      readonly op: "apply";
      readonly files?: Readonly<Record<string, string>>;
      readonly staged?: ReadonlyArray<string>;
    }
  | { readonly op: "rollback"; readonly version?: number }
  | {
      readonly op: "signers";
      readonly allowed: string;
      readonly roles: string;
      readonly groups?: string;
      readonly revoked?: string;
    }
  | {
      readonly op: "retention";
      readonly outputs_age_ms: number;
      readonly outputs_size: number;
      readonly ended_jobs_age_ms: number;
    }
  | { readonly op: "witnesses"; readonly policy: string };

/** Problem, as the interface of the hive describes it. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly kind: string;
  readonly reason: "busy" | "quota" | "cut" | "policy";
  readonly next?: string;
};

/** QueenCommand, as the interface of the hive describes it. */
export type QueenCommand = {
  readonly spawn?: "heartbeat" | "gpu";
  readonly ticks?: number;
  readonly lease?: GpuLease;
  readonly budget?: SpawnBudget;
  readonly kill?: string;
  readonly revoke?: string;
  readonly clock?: "confirm";
  readonly bind?: { readonly from: string; readonly to: string };
  readonly mount?: {
    readonly service: "logs" | "proc" | "workers" | "telemetry" | "jobs" | "cas";
    readonly at: string;
  };
};

/** QueueCommand, as the interface of the hive describes it. */
export type QueueCommand =
  | { readonly id: string; readonly target: string; readonly decision: "approve" | "deny" }
  | {
      readonly action: string;
      readonly decision: "approve";
      readonly signature?: string;
      readonly statement?: string;
    }
  | { readonly action: string; readonly decision: "reject"; readonly reason: string }
  | { readonly action: string; readonly comment: string };

/** RenewCommand, as the interface of the hive describes it. */
export type RenewCommand = { readonly op: "renew"; readonly box: string };

/** ReplayCommand, as the interface of the hive describes it. */
export type ReplayCommand = { readonly from: number };

/** ResultCommand, as the interface of the hive describes it. */
export type ResultCommand =
  | {
      readonly op: "done";
      readonly job: string | number;
      readonly reason?: string;
      readonly exit?: number | null;
      readonly message?: string;
      readonly stdout?: { readonly bytes: number; readonly inline?: string; readonly digest?: string };
      readonly stderr?: { readonly bytes: number; readonly inline?: string; readonly digest?: string };
      readonly receipt?: Readonly<Record<string, unknown>>;
      readonly peak_bytes?: number;
      readonly salt?: string;
    }
  | { readonly op: "commit"; readonly job: string | number; readonly commitment: string }
  | {
      readonly op: "checkpoint";
      readonly job: string | number;
      readonly digest: string;
      readonly bytes: number;
    }
  | {
      readonly op: "return";
      readonly job: string | number;
      readonly started?: boolean;
      readonly reason?: "owner";
      readonly checkpoint?: { readonly digest: string; readonly bytes: number };
    }
  | { readonly op: "renew" };

/** ScheduleCommand, as the interface of the hive describes it. */
export type ScheduleCommand =
  | {
      readonly op: "add";
      readonly id: string;
      readonly job: Readonly<Record<string, unknown>>;
      readonly at_ms?: number;
      readonly every_s?: number;
      readonly times?: number;
      readonly window?: { readonly from: string; readonly to: string };
      readonly priority?: number;
    }
  | { readonly op: "remove"; readonly id: string }
  | { readonly op: "pause"; readonly id: string }
  | { readonly op: "resume"; readonly id: string }
  | { readonly op: "priority"; readonly id: string; readonly priority: number };

/** SpawnBudget, as the interface of the hive describes it. */
export type SpawnBudget = { readonly ttl_s?: number; readonly ops?: number };

/** Stored, as the interface of the hive describes it. */
export type Stored = { readonly path: string; readonly size?: number; readonly stored?: boolean };

/** TelemetryCommand, as the interface of the hive describes it. */
export type TelemetryCommand =
  | { readonly new: "segment"; readonly mime?: "text/plain" | "application/json" | "application/cbor" }
  | { readonly seal: "segment" };

/** TrustCommand, as the interface of the hive describes it. */
export type TrustCommand =
  | { readonly op: "quarantine"; readonly reason: string; readonly ttl_ms?: number }
  | { readonly op: "release" };

/** UpdateCommand, as the interface of the hive describes it. */
export type UpdateCommand = { readonly op: "finish" } | { readonly op: "retire" };

/** WorkerCommand, as the interface of the hive describes it. */
export type WorkerCommand =
  | {
      readonly op: "hello";
      readonly incarnation: string;
      readonly key?: string;
      readonly slots?: number;
      readonly ahead?: number;
      readonly beats?: boolean;
      readonly kinds?: ReadonlyArray<"wasm" | "task">;
      readonly grades?: ReadonlyArray<"fresh" | "shared">;
      readonly layers?: ReadonlyArray<string>;
      readonly version?: string;
      readonly arch?: string;
      readonly memory_bytes?: number;
      readonly now?: number;
    }
  | { readonly op: "bye" }
  | {
      readonly op: "owner";
      readonly state: "run" | "freeze" | "give-back" | "paused";
      readonly since: number;
      readonly until?: number;
      readonly reasons?: ReadonlyArray<{ readonly rule: string; readonly text: string }>;
      readonly blind?: ReadonlyArray<string>;
      readonly gpus?: Readonly<Record<string, string>>;
      readonly rules?: Readonly<Record<string, string>>;
    };

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
