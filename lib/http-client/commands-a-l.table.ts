// Made from the tree by `npm run docs`; not edited by hand.

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
        | "peft.rollback"
        | "update.apply"
        | "update.rollback";
      readonly host?: string;
      readonly target: string;
      readonly params?: {
        readonly watts?: number;
        readonly grace_s?: number;
        readonly lines?: number;
        readonly holder?: string;
        readonly lease_s?: number;
        readonly priority?: number;
        readonly epoch?: string;
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
