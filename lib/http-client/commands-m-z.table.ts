// Made from the tree by `npm run docs`; not edited by hand.

import type { GpuLease } from "./commands-a-l.table.ts";

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
