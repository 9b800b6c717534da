import type { Clock } from "@skep/clock";
import {
  type Blobs,
  createTree,
  type Files,
  type Index,
  type Journal,
  type JournalRecord,
  type Provider,
  treeActs,
  type TreeActs,
} from "@skep/kernel";
import {
  auditProvider,
  createChains,
  replayProvider,
  type Replays,
  type WitnessesView,
} from "@skep/provider-audit";
import { busesProvider } from "@skep/provider-buses";
import type { Keeper } from "@skep/provider-cas";
import { containmentProvider } from "@skep/provider-containment";
import { hostProvider } from "@skep/provider-host";
import { accountOf, type Beats, type JobLimits, jobsProvider, type Signs } from "@skep/provider-jobs";
import { gpuProvider } from "@skep/provider-gpu";
import { leasesProvider } from "@skep/provider-leases";
import { ledgerProvider } from "@skep/provider-ledger";
import { lifecycleProvider } from "@skep/provider-lifecycle";
import { logProvider } from "@skep/provider-log";
import { pastProvider } from "@skep/provider-past";
import { type PeersDeps, peersProvider } from "@skep/provider-peers";
import { type Checker, policyProvider } from "@skep/provider-policy";
import { metricsProvider } from "@skep/provider-metrics";
import { procProvider } from "@skep/provider-proc";
import { queenProvider } from "@skep/provider-queen";
import { scheduleProvider, type ScheduleDeps } from "@skep/provider-schedule";
import {
  Figures,
  type Quotas,
  type RingsDeps,
  ringsProvider,
  telemetryProvider,
} from "@skep/provider-telemetry";
import { workersProvider } from "@skep/provider-workers";
import type { Signer } from "@skep/tlog";
import type { Config } from "../config/mod.ts";
import { type ManifestDeps, manifestProvider } from "../manifest/provider.ts";
import { testsProvider } from "../script/provider.ts";
import { busSpools } from "./bus-spools.ts";
import type { Fold } from "./fold.ts";
import type { Live } from "./live.ts";
import { withOutstanding } from "./outstanding.ts";
import { storeProviders } from "./stores.ts";

/** What the providers of this program are given. */
export interface Deps {
  readonly home: string;
  readonly config: Config;
  readonly blobs: Blobs;
  readonly files: Files;
  readonly scheduled: ScheduleDeps;
  readonly live: Pick<Live, "lines" | "metrics" | "proc" | "queen"> & { readonly beats?: Beats };
  /** The journal, once it is open. */
  readonly journal: () => Journal;
  /** A record of the journal. */
  readonly record: (seq: number) => Promise<JournalRecord>;
  /** Sequence of the record that ended a job which left state. */
  readonly ended: (job: string) => Promise<number | undefined>;
  /** What the index knows, where there is one: not where the past is folded. */
  readonly index?: Pick<Index, "find" | "touched">;
  readonly logSigner: Signer;
  /** What cosigns the log, where the configuration names witnesses. */
  readonly witnesses?: WitnessesView;
  readonly origin: string;
  readonly fold: Fold;
  /** Asked before a blob is removed; nothing is removed where the past is folded. */
  readonly keeper?: Keeper;
  readonly limits: JobLimits;
  /** Checks policy sets; nothing does where the past is folded. */
  readonly checker?: Checker;
  /** Signs verdicts with the identity of the hive; nothing does where the past is folded. */
  readonly signs?: Signs;
  /** What is configured and how it is read again; nothing is where the past is folded. */
  readonly manifest?: ManifestDeps;
  readonly peers: PeersDeps;
  readonly clock: Clock;
  readonly started: number;
}

/** Limits of jobs where they name none, and at most, from the configuration. */
export function jobLimits({ values }: Config): JobLimits {
  const most = {
    wallMs: values["sandbox.wall_time"],
    memoryBytes: values["sandbox.memory"],
    fuel: String(values["sandbox.fuel"]),
    stdoutBytes: values["sandbox.output"],
    stderrBytes: values["sandbox.output"],
  };
  return {
    most,
    standard: {
      ...most,
      wallMs: Math.min(most.wallMs, 60_000),
      memoryBytes: Math.min(most.memoryBytes, 128 * 1024 * 1024),
    },
  };
}

// Getters below: what `skep reload` changes is read when it is needed.

/** How much telemetry is kept of a device, from the configuration. */
function telemetryQuotas({ values }: Config): Quotas {
  return {
    get devices() {
      return values["telemetry.devices"];
    },
    get segments() {
      return values["telemetry.segments"];
    },
    get segmentBytes() {
      return values["telemetry.segment_size"];
    },
    get recordBytes() {
      return values["telemetry.record_size"];
    },
    get whenFull() {
      return values["telemetry.when_full"];
    },
  };
}

/** How large the rings of workers are, and how often a session may move its cursors in them. */
function ringQuotas({ values }: Config): RingsDeps["quotas"] {
  return {
    ringBytes: values["telemetry.ring_size"],
    keep: values["telemetry.keep_rings"],
    get advances() {
      return values["telemetry.cursor_advances"];
    },
    get resumes() {
      return values["telemetry.cursor_resumes"];
    },
  };
}

/** How many approvals wait, and how long what they allow does, from the configuration. */
function policyLimits({ values }: Config): { readonly entries: number; readonly grace: number } {
  return {
    get entries() {
      return values["policy.queue"];
    },
    grace: values["policy.grace"],
  };
}

/** Whether and how far back commands are judged again, from the configuration. */
function replaysOf({ values }: Config): Replays {
  return {
    enabled: values["audit.replay"],
    get window() {
      return values["audit.replay_window"];
    },
  };
}

function auditDeps({ journal, logSigner, witnesses, index }: Deps, replays: Replays) {
  return {
    journal,
    signer: logSigner,
    ...(witnesses && { witnesses }),
    replays,
    index: {
      touched: async (path: string, below: number, count: number) =>
        (await index?.touched(path, below, count)) ?? [],
      outcome: async (effect: string) => index?.find("outcome", effect),
    },
  };
}

/** What is mounted where: one list of values. */
export function mounts(deps: Deps): Provider[] {
  const { blobs, index } = deps;
  const replays = replaysOf(deps.config);
  const audit = auditDeps(deps, replays);
  const chains = index && createChains(audit, audit.index);
  let acts: TreeActs | undefined;
  const stores = storeProviders(deps);
  const figures = new Figures(deps.clock);
  const providers: Provider[] = [
    logProvider(deps.live.lines.deps),
    procProvider(deps.live.proc),
    manifestProvider(deps.manifest),
    testsProvider(),
    metricsProvider(deps.live.metrics),
    queenProvider(deps.live.queen),
    lifecycleProvider({
      role: (session) => deps.live.proc.sessions().get(session)?.caller.role,
      outstanding: ["outstanding-jobs", "outstanding-leases"],
    }),
    leasesProvider(),
    gpuProvider(),
    stores.cas,
    containmentProvider(),
    workersProvider(),
    busesProvider({
      buses: deps.config.values["bus.adapters"],
      radios: deps.config.values["lora.adapters"],
      openSpool: busSpools(deps.files),
    }),
    hostProvider({ bridged: deps.config.values["compat.host"] }),
    ringsProvider({ files: deps.files, figures, quotas: ringQuotas(deps.config) }),
    telemetryProvider({
      files: deps.files,
      clock: deps.clock,
      figures,
      quotas: telemetryQuotas(deps.config),
      denies: () => deps.live.proc.pressure().policy,
    }),
    stores.updates,
    stores.models,
    peersProvider(deps.peers),
    withOutstanding(
      jobsProvider({
        blobs,
        limits: deps.limits,
        record: deps.record,
        ended: deps.ended,
        ledger: true,
        ...(deps.signs && { signs: deps.signs }),
        ...(deps.live.beats && { beats: deps.live.beats }),
        ...(chains && { chain: chains }),
      }),
    ),
    scheduleProvider(deps.scheduled),
    ledgerProvider({
      posting: async (account, n) => index?.find("ledger", `${account}/${n}`),
      record: deps.record,
      account: (member) =>
        accountOf((member ?? { class: "owned", owner: "" }) as Parameters<typeof accountOf>[0]),
    }),
    auditProvider(audit),
    replayProvider({
      replay: (from, to) => deps.fold.replay(from, to),
      replays,
    }),
    pastProvider({ journal: deps.journal, ask: (question) => deps.fold.past(question) }),
    policyProvider({
      acts: () => {
        acts ??= treeActs(createTree(providers));
        return acts;
      },
      record: deps.record,
      limits: policyLimits(deps.config),
      ...(deps.checker && { checker: deps.checker }),
      ...(chains && { chain: chains }),
    }),
  ];
  return providers;
}
