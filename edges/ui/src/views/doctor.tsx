import { Chip, Cli, Marked, StateChip } from "../parts/basic.tsx";
import { useApp, useHive, useJson, useRead } from "../parts/context.ts";
import type { HiveState } from "../state/hive.ts";
import { isEnded } from "../state/model.ts";

interface Finding {
  readonly about: string;
  readonly state: "ok" | "note" | "warning" | "bad";
  readonly text: string;
  readonly cure?: string;
}

interface Loop {
  readonly p99_ms: number;
  readonly recent_max_ms?: number;
}

function hiveFindings(hive: HiveState): Finding[] {
  const { state } = hive.fact("/proc/lifecycle/state.json");
  const { reason } = hive.fact("/proc/lifecycle/reason.json");
  const { warnings, version, node, epoch } = hive.fact("/proc/boot.json");
  const found: Finding[] = [
    {
      about: "hive",
      state: state === "ONLINE" ? "ok" : "warning",
      text: `${String(state ?? "unknown")}, version ${String(version ?? "?")} on Node ${String(node ?? "?")}, epoch ${String(epoch ?? "?")}`,
      ...(state !== "ONLINE" && { cure: `It says why: ${String(reason ?? "nothing")}` }),
    },
  ];
  for (const warning of Array.isArray(warnings) ? warnings : [])
    found.push({
      about: "start",
      state: "warning",
      text: typeof warning === "string" ? warning : JSON.stringify(warning),
    });
  return found;
}

function machineFindings(hive: HiveState): Finding[] {
  const all = [...hive.machines.values()];
  const away = all.filter(({ state }) => state === "away");
  const skewed = all.filter(({ info }) => Math.abs(Number(info.clockOffset ?? 0)) > 5000);
  const found: Finding[] = [
    all.length === 0
      ? {
          about: "machines",
          state: "warning",
          text: "none",
          cure: "`skep invite`, or `skep worker` on this machine",
        }
      : { about: "machines", state: "ok", text: `${all.length - away.length} of ${all.length} are here` },
  ];
  if (away.length > 0)
    found.push({
      about: "machines",
      state: "note",
      text: `away: ${away
        .slice(0, 5)
        .map(({ id }) => id)
        .join(", ")}${away.length > 5 ? ` and ${away.length - 5} more` : ""}`,
      cure: "They come back by themselves when they are on; `skep node remove` for those that will not",
    });
  for (const { id, reason } of all.filter(({ state }) => state === "frozen"))
    found.push({
      about: "machines",
      state: "note",
      text: `${id} is frozen${reason === "" ? "" : `: ${reason}`}`,
      cure: "Its owner comes first; `skep resume` there lends it again",
    });
  for (const { id, info } of skewed)
    found.push({
      about: "clock",
      state: "warning",
      text: `the clock of ${id} is off by ${Math.round(Number(info.clockOffset) / 1000)} s`,
      cure: "Set it by NTP: leases and tickets are judged by the hive's clock",
    });
  return found;
}

// One line for each reason that work waits for, and those first that time alone does not mend.
function workFindings(hive: HiveState): Finding[] {
  const counts = new Map<string, number>();
  for (const job of hive.jobs.values())
    if (!isEnded(job) && job.worker === "" && job.wait !== "")
      counts.set(job.wait, (counts.get(job.wait) ?? 0) + 1);
  const found = [...counts].map(([wait, count]): Finding => {
    const text = `${count === 1 ? "1 job waits" : `${count} jobs wait`}: ${wait}`;
    if (!/^no (machine|worker)/.test(wait)) return { about: "work", state: "note", text };
    return { about: "work", state: "warning", text, cure: "Let such a machine join, or cancel: `skep jobs`" };
  });
  const { waiting } = hive;
  if (waiting > 0)
    found.push({
      about: "approvals",
      state: "note",
      text: waiting === 1 ? "1 act waits for people" : `${waiting} acts wait for people`,
      cure: "Approvals shows what each would do: `skep approvals`",
    });
  return found.sort((a, b) => Number(b.state === "warning") - Number(a.state === "warning"));
}

async function browserFindings(): Promise<readonly Finding[]> {
  const canvas = document.createElement("canvas");
  const draws = canvas.getContext("webgl2") !== null;
  let verifies = true;
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    verifies = false;
  }
  return [
    {
      about: "this browser",
      state: verifies ? "ok" : "warning",
      text: verifies
        ? "verifies receipts and the log by itself"
        : "has no Ed25519: receipts cannot be verified here",
      ...(!verifies && { cure: "Use a newer browser, or `skep verify`" }),
    },
    {
      about: "this browser",
      state: draws ? "ok" : "note",
      text: draws ? "draws the scene" : "has no WebGL: the hive is shown as lists",
    },
  ];
}

/** What matters, with the cure for each finding. */
export function Doctor() {
  const app = useApp();
  const hive = app.now;
  useHive();
  const { value: loop } = useJson<Loop>("/proc/9p/loop.json");
  const { value: browser } = useRead("browser", browserFindings);
  const slow = (loop?.p99_ms ?? 0) > 20;
  const refused = [...hive.pressure].filter(([, count]) => count > 0);
  const findings: readonly Finding[] = [
    ...hiveFindings(hive),
    ...machineFindings(hive),
    ...workFindings(hive),
    ...(loop
      ? [
          {
            about: "pace",
            state: slow ? ("warning" as const) : ("ok" as const),
            text: `99 of 100 pieces of the daemon's work take less than ${Math.ceil(loop.p99_ms)} ms`,
            ...(slow && { cure: "The machine is loaded: `skep top` tells by what" }),
          },
        ]
      : []),
    ...refused.map(([reason, count]) => ({
      about: "pressure",
      state: "note" as const,
      text: `${count} refused for ${reason} since the start`,
      cure: "Audit shows each with its code and next step",
    })),
    {
      about: "connection",
      state: app.link === "live" ? "ok" : "warning",
      text: app.link === "live" ? "live" : app.link,
      ...(app.link !== "live" && { cure: "It tries again by itself" }),
    },
    ...(browser ?? []),
  ];
  const bad = findings.filter(({ state }) => state === "bad" || state === "warning").length;
  return (
    <div class="pane wide">
      <header>
        <h1>Doctor</h1>
        <Chip tone={bad > 0 ? "warn" : "ok"}>{bad > 0 ? `${bad} to look at` : "all is well"}</Chip>
      </header>
      <ul class="findings">
        {findings.map(({ about, state, text, cure }) => (
          <li key={`${about}${text}`}>
            <StateChip state={state} />
            <b>{about}</b>
            <span>
              {text}
              {cure && (
                <span class="cure dim">
                  <Marked text={cure} />
                </span>
              )}
            </span>
          </li>
        ))}
      </ul>
      <p class="dim">Disk, modes of files and the journal are looked at where they are:</p>
      <Cli command="skep doctor" />
    </div>
  );
}
