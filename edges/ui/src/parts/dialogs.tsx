import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Marked } from "./basic.tsx";
import { useApp } from "./context.ts";
import type { View } from "./views.ts";

function Dialog(props: {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    box.current?.showModal();
    // The focus goes to the first button, which may be at the end: reading begins at the top.
    box.current?.scrollTo(0, 0);
  }, []);
  return (
    <dialog ref={box} aria-labelledby="dialog-title" onClose={props.close}>
      <h2 id="dialog-title">{props.title}</h2>
      {props.children}
    </dialog>
  );
}

/** Asks whether the page may write for a while. */
export function ArmDialog() {
  const app = useApp();
  if (app.wantsArm === undefined) return null;
  const close = () => {
    app.wantsArm = undefined;
    app.changed();
  };
  return (
    <Dialog title="This page only reads" close={close}>
      <p>
        To <strong>{app.wantsArm}</strong> it has to be armed. It then may do what your ticket may, for
        fifteen minutes, and says so at the top all the while.
      </p>
      <div class="row">
        <button type="button" class="strong" onClick={() => app.arm()}>
          Arm for 15 minutes
        </button>
        <button type="button" onClick={close}>
          Not now
        </button>
      </div>
    </Dialog>
  );
}

/** The keys of the page. */
export const keys: readonly (readonly [string, string])[] = [
  ["/", "Search: machines, jobs, /paths, actions"],
  ["?", "These keys"],
  ["A", "Arm the page, or make it read-only again"],
  ["T", "Dark or light"],
  ["[ ]", "One record back, one forward"],
  ["N", "Back to now"],
  ["Esc", "Close what is open"],
];

/** Shows what each key does. */
export function HelpDialog({ views }: { readonly views: readonly View[] }) {
  const app = useApp();
  if (!app.isHelpOpen) return null;
  const close = () => {
    app.isHelpOpen = false;
    app.changed();
  };
  const all = [...keys, ...views.map((view) => [`G ${view.key.toUpperCase()}`, view.title] as const)];
  return (
    <Dialog title="Keys" close={close}>
      <dl class="keys">
        {all.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="dim small">
        On the hive: arrows go from machine to machine, + and - zoom, 0 shows all, Enter opens.
      </p>
      <div class="row">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

/** What happened, until it is put away. */
export function Notices() {
  const app = useApp();
  return (
    <div class="notices" role="status" aria-live="polite">
      {app.notices.map(({ id, tone, text, problem, href }) => (
        <div key={id} class={`notice tone-${tone}`}>
          <div>
            <p>{href ? <a href={href}>{text}</a> : text}</p>
            {problem && (
              <p class="small">
                <code>{problem.code}</code> {problem.reason && `reason: ${problem.reason}.`}{" "}
                {problem.next && <Marked text={`Next: ${problem.next}`} />}
              </p>
            )}
          </div>
          <button type="button" class="quiet" aria-label="Put away" onClick={() => app.putAway(id)}>
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
