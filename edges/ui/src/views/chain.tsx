import { Chip } from "../parts/basic.tsx";
import { useApp } from "../parts/context.ts";
import { agoText } from "../parts/words.ts";
import { chainOf, traceOf } from "../state/trace.ts";

/** The way of the request that a record belongs to: what else came with its trace. */
export function Chain({ context, seq }: { readonly context: string; readonly seq: number }) {
  const app = useApp();
  const steps = chainOf(context, app.replay?.state ?? app.now);
  return (
    <>
      <h2>Its trace</h2>
      <p class="small dim">
        <code class="break">{traceOf(context)}</code>
      </p>
      <ol class="rows">
        {steps.map((step) => (
          <li key={step.seq}>
            <a
              href={app.href("audit", String(step.seq))}
              aria-current={step.seq === seq ? "true" : undefined}
            >
              <b>{step.seq}</b>
              <Chip tone={step.verdict === "ok" ? "ok" : step.verdict === "waits" ? "warn" : "bad"}>
                {step.verdict}
              </Chip>
              <span class="grow">
                {step.subject} → {step.path}
              </span>
              <small>{agoText(step.time, app.time())}</small>
            </a>
          </li>
        ))}
      </ol>
      {steps.length === 0 && <p class="dim">The rest of it is not remembered here any more.</p>}
    </>
  );
}
