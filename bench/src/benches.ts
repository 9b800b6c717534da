import type { Bench } from "./row.ts";
import { churn } from "./rows/churn.ts";
import { console } from "./rows/console.ts";
import { containment } from "./rows/containment.ts";
import { controls } from "./rows/controls.ts";
import { determinism } from "./rows/determinism.ts";
import { drain } from "./rows/drain.ts";
import { fleet } from "./rows/fleet.ts";
import { httpArtifacts } from "./rows/http-artifacts.ts";
import { httpRamp } from "./rows/http-ramp.ts";
import { http } from "./rows/http.ts";
import { idle } from "./rows/idle.ts";
import { jobs } from "./rows/jobs.ts";
import { million } from "./rows/million.ts";
import { owner } from "./rows/owner.ts";
import { remote } from "./rows/remote.ts";
import { proof } from "./rows/proof.ts";
import { policy } from "./rows/policy.ts";
import { reads } from "./rows/reads.ts";
import { scale } from "./rows/scale.ts";
import { memory, start } from "./rows/start.ts";
import { streams } from "./rows/streams.ts";
import { ui } from "./rows/ui.ts";

/** Every bench, in the order of the table. */
export const benches: readonly Bench[] = [
  reads,
  controls,
  streams,
  console,
  http,
  jobs,
  remote,
  drain,
  owner,
  start,
  memory,
  containment,
  policy,
  million,
  proof,
  determinism,
  idle,
  fleet,
  churn,
  scale,
  httpRamp,
  httpArtifacts,
  ui,
];
