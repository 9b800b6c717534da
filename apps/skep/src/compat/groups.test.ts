import type { Stage } from "./daemon.test.ts";
import { casUpload, negative, pool, quick, replay, suites, wrap } from "./plays.test.ts";

/** One group of a pack of the original, in the order in which they share a boot. */
export interface Group {
  readonly name: string;
  /** Paths without which it cannot be played. */
  readonly needs: readonly string[];
  /** A script under `examples/compat/scripts`, or what else its client did. */
  readonly play: "script" | ((stage: Stage) => Promise<void>);
}

const script = (name: string, ...needs: string[]): Group => ({ name, needs, play: "script" });
const act = (name: string, play: (stage: Stage) => Promise<void>, ...needs: string[]): Group => ({
  name,
  needs,
  play,
});

const device = "/queen/telemetry";
const lifecycle = ["/queen/lifecycle/ctl", "/proc/lifecycle/state"] as const;

/** The groups of both packs of the original (facts of the original control plane, §11), and what each needs. */
export const groups: Readonly<Record<"base" | "gated", readonly Group[]>> = {
  base: [
    script("boot_v0"),
    script("tcp_basic"),
    script("9p_batch"),
    script("shard_1k", "/shard", "/worker"),
    script("busy_backpressure", "/proc/pressure/busy"),
    script("lifecycle_basic", ...lifecycle),
    script("lifecycle_drain_spool", ...lifecycle, device),
    script("lifecycle_reboot_resume", ...lifecycle),
    script("observe_watch", "/proc/ingest/watch"),
    script("root_cut_basic", "/proc/root/cut_reason"),
    script("session_lifecycle", "/proc/9p/session/active"),
    act("session_pool", pool),
    script("telemetry_push_create", device),
    script("telemetry_ring"),
    act("telemetry_ring: the wrap is in the log", wrap),
    act("selftest_quick, selftest_full", quick),
    act("selftest_negative", negative),
    script("demo_runbook", device),
    act(
      "test --mode quick|full, from the hive's own scripts",
      suites,
      "/proc/tests/selftest_quick.coh",
      "/proc/tests/selftest_full.coh",
    ),
    act("an upload as the original's CAS tool makes it, once again after it", casUpload, "/updates"),
    script("cas_roundtrip", "/updates"),
    script("host_absent", "/host/systemd/cohesix-agent.service"),
    script("host_sidecar_mock", "/host/systemd/ssh.service/restart"),
    script("run_demo", "/gpu/GPU-0/lease"),
    script("publish_peft", "/queen/export/ctl", "/gpu/bridge/ctl"),
    script("peft_roundtrip", "/queen/export/lora_jobs/job_8932", "/gpu/models/active"),
  ],
  gated: [
    script("policy_gate", "/actions/queue", "/policy/preflight/req"),
    act("replay_journal", replay, "/replay/ctl", "/audit/export"),
    script("model_cas_bind", "/models"),
    script("sidecar_integration", "/bus/modbus-main", "/lora/lora-main"),
  ],
};
