import { type ComponentChildren, isValidElement } from "preact";
import { useState } from "preact/hooks";
import type { Problem } from "@skep/http-client";
import type { Reason, Tone } from "../palette.ts";
import { useApp } from "./context.ts";

/** A word with a colour that stands for something. */
export function Chip({
  tone = "dim",
  children,
}: {
  readonly tone?: Tone;
  readonly children: ComponentChildren;
}) {
  return <span class={`chip tone-${tone}`}>{children}</span>;
}

const stateTones: Readonly<Record<string, Tone>> = {
  ready: "ok",
  done: "ok",
  ONLINE: "ok",
  ok: "ok",
  busy: "honey",
  leased: "honey",
  running: "honey",
  queued: "info",
  waiting: "warn",
  frozen: "info",
  draining: "warn",
  DRAINING: "warn",
  DEGRADED: "warn",
  BOOTING: "info",
  note: "info",
  warn: "warn",
  warning: "warn",
  canceled: "dim",
  away: "dim",
  failed: "bad",
  lost: "bad",
  refused: "bad",
  bad: "bad",
  fault: "bad",
  error: "bad",
};

/** The state of something, in its colour. */
export function StateChip({ state }: { readonly state: string }) {
  return <Chip tone={stateTones[state] ?? "dim"}>{state}</Chip>;
}

/** Puts a text on the clipboard, also where the browser gives none. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A button that copies. */
export function Copy({ text, label = "Copy" }: { readonly text: string; readonly label?: string }) {
  const [isDone, set] = useState(false);
  const act = async () => {
    set(await copy(text));
    setTimeout(() => set(false), 1500);
  };
  return (
    <button type="button" class="quiet" onClick={act} aria-label={`${label}: ${text.slice(0, 80)}`}>
      {isDone ? "Copied" : label}
    </button>
  );
}

/** What is on the screen, as the command that shows the same in a terminal. */
export function Cli({ command }: { readonly command: string }) {
  return (
    <div class="cli">
      <code>{command}</code>
      <Copy text={command} />
    </div>
  );
}

/** Nothing to show yet, and what to do about it. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path d="M16 3 27 9.5v13L16 29 5 22.5v-13z" />
      </svg>
      <h3>{title}</h3>
      <div>{children}</div>
    </div>
  );
}

/** Words with commands in them, which stand between backticks. */
export function Marked({ text }: { readonly text: string }) {
  return <>{text.split("`").map((part, at) => (at % 2 === 1 ? <code key={part}>{part}</code> : part))}</>;
}

/** Why something could not be done: what, its stable code, and the next step. */
export function Trouble({ problem, again }: { readonly problem: Problem; readonly again?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <p>{problem.detail}</p>
      <p class="small">
        <code>{problem.code}</code>
        {problem.reason && <Reasoned reason={problem.reason as Reason} />}
        {problem.next && (
          <span>
            Next: <Marked text={problem.next} />
          </span>
        )}
      </p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The reason of a refusal in its colour. */
function Reasoned({ reason }: { readonly reason: Reason }) {
  const tones: Readonly<Record<Reason, Tone>> = { busy: "warn", quota: "violet", cut: "info", policy: "bad" };
  return <Chip tone={tones[reason] ?? "dim"}>{reason}</Chip>;
}

/** Lines that stand still while something is fetched. */
export function Waiting({ what }: { readonly what: string }) {
  return (
    <p class="waiting" role="status">
      Reading {what} …
    </p>
  );
}

/** A button that writes: while the page only reads it asks to be armed. */
export function Act(props: {
  readonly what: string;
  readonly act: () => Promise<void>;
  readonly children: ComponentChildren;
  readonly strong?: boolean;
  readonly disabled?: boolean;
}) {
  const app = useApp();
  const [isBusy, set] = useState(false);
  const run = async () => {
    set(true);
    await app.act(props.what, props.act);
    set(false);
  };
  return (
    <button
      type="button"
      class={`act ${props.strong ? "strong" : ""}`}
      disabled={isBusy || props.disabled || app.route.at !== undefined || app.replay !== undefined}
      title={app.isArmed ? props.what : `${props.what}: the page only reads until it is armed`}
      onClick={run}
    >
      {!app.isArmed && <Lock />}
      {props.children}
    </button>
  );
}

/** A closed lock. */
export function Lock() {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M4 7V5a4 4 0 1 1 8 0v2h1v8H3V7zm2 0h4V5a2 2 0 1 0-4 0z" fill="currentColor" />
    </svg>
  );
}

function isLong(value: ComponentChildren): boolean {
  if (typeof value === "string") return value.length >= 24;
  return isValidElement(value) && (value.props as { readonly class?: string }).class === "break";
}

/** Facts, one to a line. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== undefined && value !== "" && value !== false)
        .map(([name, value]) => (
          <div key={name} class={isLong(value) ? "long" : ""}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
