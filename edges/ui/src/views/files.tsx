import { useState } from "preact/hooks";
import type { Stat } from "@skep/http-client";
import { Act, Chip, Cli, Copy, Empty, Trouble, Waiting } from "../parts/basic.tsx";
import { useApp, useRead, useStream, useText } from "../parts/context.ts";
import { ControlForm } from "../parts/form.tsx";
import { Output } from "../parts/output.tsx";
import { bytesText, cliOf } from "../parts/words.ts";
import { routeOfPath } from "../state/route.ts";

/** The tree as this session's ticket sees it. */
export function Files({ object }: { readonly object: string }) {
  const app = useApp();
  const path = `/${object.replace(/\/+$/, "")}`;
  const whole = app.pathAt(path === "/" ? "" : path) || "/";
  const { value, problem, again } = useRead(whole, () => app.api.stat(whole));
  return (
    <div class="pane wide">
      <header>
        <Crumbs path={path} />
        {value && <Chip>{value.kind === "dir" ? "folder" : value.kind}</Chip>}
        {value?.size !== undefined && value.kind !== "dir" && value.size > 0 && (
          <Chip>{bytesText(value.size)}</Chip>
        )}
      </header>
      {value && <p class="dim">{value.doc}</p>}
      {problem && <Trouble problem={problem} again={again} />}
      {!value && !problem && <Waiting what={whole} />}
      {value && <Content key={whole} about={{ ...value, path }} whole={whole} />}
    </div>
  );
}

function Crumbs({ path }: { readonly path: string }) {
  const app = useApp();
  const names = path.split("/").filter((name) => name !== "");
  return (
    <h1 class="crumbs">
      <a href={app.href("files")}>/</a>
      {names.map((name, at) => (
        <span key={names.slice(0, at + 1).join("/")}>
          {at > 0 && "/"}
          <a href={app.href("files", names.slice(0, at + 1).join("/"))}>{name}</a>
        </span>
      ))}
    </h1>
  );
}

function Content({ about, whole }: { readonly about: Stat; readonly whole: string }) {
  const { kind, path } = about;
  if (kind === "dir") return <Directory path={path} whole={whole} />;
  if (kind === "control")
    return (
      <>
        <ControlForm about={about} />
        <Cli command={cliOf("stat", path)} />
      </>
    );
  if (kind === "blob") return <Blob about={about} />;
  if (kind === "stream") return <Followed about={about} />;
  return <Text about={about} />;
}

function Directory({ path, whole }: { readonly path: string; readonly whole: string }) {
  const app = useApp();
  const [after, goOn] = useState<string>();
  const { value, problem, again } = useRead(`${whole}?${after ?? ""}`, () => app.api.page(whole, after));
  if (problem) return <Trouble problem={problem} again={again} />;
  if (!value) return <Waiting what={path} />;
  const below = path === "/" ? "" : path;
  const names = new Intl.Collator("en", { numeric: true });
  // What comes in pages stays in their order.
  const isWhole = value.next === undefined && after === undefined;
  const entries = isWhole ? [...value.entries].sort((a, b) => names.compare(a.name, b.name)) : value.entries;
  return (
    <>
      {value.entries.length === 0 && (
        <Empty title="Nothing is listed here">
          {path === "/at"
            ? "Open a moment by its record: the clock at the top does."
            : "Names may still be walked to: type one in the search box."}
        </Empty>
      )}
      <ol class="rows files">
        {entries.map(({ name, kind, append }) => (
          <li key={name}>
            <a href={app.href("files", `${below}/${name}`.slice(1))}>
              <FileIcon kind={kind} append={append === true} />
              <b>{name}</b>
              <span class="grow" />
              {kind !== "dir" && append && <Chip tone="honey">takes lines</Chip>}
            </a>
          </li>
        ))}
      </ol>
      {value.next !== undefined && (
        <button type="button" onClick={() => goOn(value.next)}>
          Further
        </button>
      )}
      {after !== undefined && (
        <button type="button" class="quiet" onClick={() => goOn(undefined)}>
          From the beginning
        </button>
      )}
      {routeOfPath(path).startsWith("#/files") || (
        <p>
          <a href={routeOfPath(path)}>The view of it</a>
        </p>
      )}
      <Cli command={cliOf("ls", whole)} />
    </>
  );
}

function FileIcon({ kind, append }: { readonly kind: string; readonly append: boolean }) {
  const dir = "M2 4h5l1.5 2H14v7H2z";
  const file = append ? "M3 2h7l3 3v9H3zm2 5v1.5h6V7zm0 3v1.5h4V10z" : "M3 2h7l3 3v9H3z";
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-label={kind === "dir" ? "directory" : "file"} role="img">
      <path d={kind === "dir" ? dir : file} fill="currentColor" />
    </svg>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

function Text({ about }: { readonly about: Stat }) {
  const app = useApp();
  const { path, json } = about;
  const [isJson, setJson] = useState(false);
  const shown = isJson && json !== undefined ? `${path}.json` : path;
  const { value, problem } = useText(shown);
  return (
    <>
      {json !== undefined && (
        <div class="tabs" role="tablist">
          <button type="button" role="tab" aria-selected={!isJson} onClick={() => setJson(false)}>
            text
          </button>
          <button type="button" role="tab" aria-selected={isJson} onClick={() => setJson(true)}>
            JSON
          </button>
        </div>
      )}
      {problem && <Trouble problem={problem} />}
      {value === undefined && !problem && <Waiting what={path} />}
      {value !== undefined && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <pre class="content" tabIndex={0}>
          {value === ""
            ? "(empty)"
            : isJson || shown.endsWith(".json") || value.startsWith("{")
              ? pretty(value)
              : value}
        </pre>
      )}
      <div class="row">
        {value !== undefined && value !== "" && <Copy text={value} label="Copy text" />}
        <a href={`#/files${path.slice(0, path.lastIndexOf("/"))}`}>Up</a>
      </div>
      <Cli command={cliOf("cat", app.pathAt(shown))} />
    </>
  );
}

function Followed({ about }: { readonly about: Stat }) {
  const app = useApp();
  const stream = useStream(about.path);
  return (
    <>
      {app.route.at === undefined ? (
        <Output stream={stream} empty="Nothing yet; it is followed" />
      ) : (
        <p class="dim">Streams are no part of the past.</p>
      )}
      {about.appendable && about.writable !== false && <AppendText path={about.path} />}
      <Cli command={cliOf("tail", "-f", about.path)} />
    </>
  );
}

function AppendText({ path }: { readonly path: string }) {
  const app = useApp();
  const [text, set] = useState("");
  const send = async () => {
    await app.api.append(path, `${text}\n`, { type: "text/plain" });
    set("");
  };
  return (
    <form class="row" onSubmit={(event) => event.preventDefault()}>
      <label class="grow">
        <span class="hidden">A line</span>
        <input
          value={text}
          placeholder="A line to append"
          onInput={(event) => set(event.currentTarget.value)}
        />
      </label>
      <Act what={`append to ${path}`} act={send} disabled={text === ""}>
        Append
      </Act>
    </form>
  );
}

function Blob({ about }: { readonly about: Stat }) {
  const app = useApp();
  const save = async () => {
    const bytes = await app.api.bytes(about.path);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new globalThis.Blob([bytes]));
    link.download = about.path.slice(about.path.lastIndexOf("/") + 1);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return (
    <>
      <p>{bytesText(about.size ?? 0)}, named by their SHA-256</p>
      <button type="button" onClick={() => app.attempt(save)}>
        Save
      </button>
      <Cli command={cliOf("cat", about.path)} />
    </>
  );
}
