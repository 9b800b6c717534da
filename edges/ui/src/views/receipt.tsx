import { Chip, Copy, Trouble, Waiting } from "../parts/basic.tsx";
import { useApp, useRead } from "../parts/context.ts";
import { type Check, verifyReceipt } from "../proof/receipt.ts";
import { isEnded, type Job } from "../state/model.ts";

interface Verified {
  readonly text: string;
  readonly checks: readonly Check[];
}

const toneOf = (ok: boolean | undefined) => (ok === undefined ? "warn" : ok ? "ok" : "bad");
const wordOf = (ok: boolean | undefined) =>
  ok === undefined ? "not checked" : ok ? "holds" : "does not hold";

/** The verdict over all checks: it holds only where every one of them does. */
function verdictOf(checks: readonly Check[]): boolean | undefined {
  if (checks.some(({ ok }) => ok === false)) return false;
  return checks.every(({ ok }) => ok === true) ? true : undefined;
}

/** The receipt of a job, verified in this browser: the hive is not asked whether it holds. */
export function Receipt({ job }: { readonly job: Job }) {
  const app = useApp();
  const base = app.pathAt(`/jobs/${job.id}`);
  const isOver = isEnded(job);
  const key = isOver ? `${base}:${job.ended}` : undefined;
  const { value, problem, again } = useRead<Verified | undefined>(key, async () => {
    const text = await app.api.text(`${base}/receipt`);
    if (text.trim() === "") return undefined;
    // What a job wrote is no part of the past: its bytes are read where they are.
    const [stdout, stderr, info] = await Promise.all([
      app.api.bytes(`/jobs/${job.id}/stdout`),
      app.api.bytes(`/jobs/${job.id}/stderr`),
      app.api.json<{ key?: string }>(`/worker/${job.worker}/info.json`).catch(() => ({ key: "" })),
    ]);
    const checks = await verifyReceipt(text, { key: info.key ?? "", jobId: job.jobId, stdout, stderr });
    const isWhole = stdout.length === job.stdoutBytes && stderr.length === job.stderrBytes;
    return { text, checks: isWhole ? checks : checks.map(unlessOutput) };
  });
  if (!isOver) return <p class="dim">Whoever runs it signs one when it has ended.</p>;
  if (problem) return <Trouble problem={problem} again={again} />;
  if (value === undefined) return job.ended > 0 ? <NoReceipt job={job} /> : <Waiting what="the receipt" />;
  const whole = verdictOf(value.checks);
  return (
    <section class="receipt" aria-label="Receipt">
      <p class={`verdict tone-${toneOf(whole)}`} data-verdict={String(whole)}>
        {whole
          ? "Verified in this browser"
          : whole === false
            ? "This receipt does not hold"
            : "Not all could be checked here"}
      </p>
      <ul class="checks">
        {value.checks.map(({ what, ok, why }) => (
          <li key={what}>
            <Chip tone={toneOf(ok)}>{wordOf(ok)}</Chip> <b>{what}</b> <span>{why}</span>
          </li>
        ))}
      </ul>
      <details>
        <summary>The receipt itself</summary>
        <Copy text={value.text} label="Copy receipt" />
        <pre>{JSON.stringify(JSON.parse(value.text), undefined, 2)}</pre>
      </details>
    </section>
  );
}

function unlessOutput(check: Check): Check {
  if (check.what !== "output") return check;
  return {
    ...check,
    ok: undefined,
    why: "only the newest part of the output is here: `skep verify` reads all of it",
  };
}

function NoReceipt({ job }: { readonly job: Job }) {
  return (
    <p class="dim">
      {job.state === "done"
        ? "This worker signs no receipts."
        : `There is no receipt: the job ended as ${job.state}.`}
    </p>
  );
}
