import { consoleCompletions, consoleLines } from "@skep/http-client";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Cli, Copy } from "../parts/basic.tsx";
import { useApp } from "../parts/context.ts";
import { cliOf } from "../parts/words.ts";

interface Said {
  readonly key: number;
  readonly kind: "typed" | "ok" | "err" | "data";
  readonly text: string;
}

const mostLines = 1000;

/** What was said outlives the view, until the page is closed. */
const transcript: Said[] = [];
const history: string[] = [];
let keys = 0;

const kindOf = (line: string): Said["kind"] =>
  /^OK /.test(line) ? "ok" : /^ERR /.test(line) ? "err" : "data";

function say(kind: Said["kind"], text: string): void {
  keys += 1;
  transcript.push({ key: keys, kind, text });
  if (transcript.length > mostLines) transcript.splice(0, transcript.length - mostLines);
}

/** The command line that does the same as what was typed. */
function asCli(line: string): string {
  const [, verb = "", rest = ""] = /^\s*(\S+)\s*(.*)$/.exec(line) ?? [];
  const [path = "", ...words] = rest.split(" ");
  const known = verb.toLowerCase();
  if (["ls", "cat", "tail"].includes(known)) return cliOf(known, path);
  if (known === "echo") return cliOf("echo", words.join(" "), path);
  if (known === "spawn") return cliOf("echo", rest, "/queen/ctl");
  if (known === "kill") return cliOf("echo", JSON.stringify({ kill: rest }), "/queen/ctl");
  return known === "log" ? cliOf("tail", "/log/queen.log") : cliOf("help");
}

/** The grammar of the real console, on the page's own session. */
export function Console() {
  const app = useApp();
  const [typed, type] = useState("");
  const [back, setBack] = useState(0);
  const [offers, offer] = useState<readonly string[]>([]);
  const [, redraw] = useState(0);
  const end = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => end.current?.scrollIntoView({ block: "end" }));
  useLayoutEffect(() => input.current?.focus({ preventScroll: true }), []);
  const role = app.standing.state === "open" ? app.standing.role : "";
  const send = async () => {
    const line = typed.trim();
    if (line === "") return;
    say("typed", line);
    history.push(line);
    type("");
    setBack(0);
    offer([]);
    for (const answer of await consoleLines(app.api, line, role)) say(kindOf(answer), answer);
    redraw(keys);
  };
  const recall = (by: number) => {
    const next = Math.max(0, Math.min(history.length, back + by));
    setBack(next);
    type(next === 0 ? "" : (history[history.length - next] ?? ""));
  };
  const fill = async () => {
    const found = await consoleCompletions(app.api, typed);
    offer(found.length > 1 ? found : []);
    if (found.length === 0) return;
    const begun = found.reduce((same, one) => {
      let at = 0;
      while (at < same.length && same[at] === one[at]) at += 1;
      return same.slice(0, at);
    });
    type(found.length === 1 ? `${begun}${begun.startsWith("/") || begun.includes(" ") ? "" : " "}` : begun);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "ArrowUp") recall(1);
    else if (event.key === "ArrowDown") recall(-1);
    // An empty line lets Tab go on: the keyboard is not caught here.
    else if (event.key === "Tab" && !event.shiftKey && typed !== "") void fill();
    else return;
    event.preventDefault();
  };
  const lastTyped = transcript.findLast(({ kind }) => kind === "typed")?.text;
  return (
    <div class="pane wide console">
      <header>
        <h1>Console</h1>
        <span class="grow" />
        <Copy
          text={transcript.map(({ kind, text }) => `${kind === "typed" ? "> " : ""}${text}`).join("\n")}
          label="Copy all"
        />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div class="transcript" role="log" aria-label="Transcript" tabIndex={0}>
        {transcript.length === 0 && (
          <p class="dim">
            HELP lists the verbs. <kbd>Tab</kbd> completes, <kbd>↑</kbd> brings back. It acts with this page's
            session: what writes needs the page to be armed.
          </p>
        )}
        {transcript.map(({ key, kind, text }) => (
          <div key={key} class={kind}>
            {text}
          </div>
        ))}
        <div ref={end} />
      </div>
      {offers.length > 0 && <p class="offers dim">{offers.slice(0, 40).join("  ")}</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <label>
          <span class="hidden">Command</span>
          <input
            ref={input}
            class="mono"
            value={typed}
            placeholder="LS /"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => type(event.currentTarget.value)}
            onKeyDown={pressed}
          />
        </label>
      </form>
      {lastTyped && <Cli command={asCli(lastTyped)} />}
    </div>
  );
}
