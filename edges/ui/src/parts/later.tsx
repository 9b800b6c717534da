import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Trouble, Waiting } from "./basic.tsx";
import { ownProblem } from "./problem.ts";
import type { View } from "./views.ts";

type Show = View["Show"];

/** A view whose script comes when it is shown, or when the page has time. */
export interface LaterView {
  readonly Show: Show;
  /** Brings the script. Rejects where it does not come; the next call tries again. */
  readonly load: () => Promise<unknown>;
}

/** Parts a view from the script that the page begins with. */
export function later(name: string, bring: () => Promise<Show>): LaterView {
  let Found: FunctionComponent<{ readonly object: string }> | undefined;
  const load = async (): Promise<void> => {
    Found ??= await bring();
  };
  const Show: Show = ({ object }) => {
    const [state, set] = useState<"waiting" | "here" | "lost">("waiting");
    useEffect(() => {
      if (!Found)
        load().then(
          () => set("here"),
          () => set("lost"),
        );
    }, []);
    if (Found) return <Found object={object} />;
    if (state === "lost") return <Trouble problem={lost(name)} again={() => location.reload()} />;
    return <Waiting what={name.toLowerCase()} />;
  };
  return { Show, load };
}

const lost = (name: string) =>
  ownProblem(
    "page.view",
    `Cannot load ${name}: the hive does not answer, or has another page by now`,
    "Load the page again",
  );
