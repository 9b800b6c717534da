import { useEffect, useRef, useState } from "preact/hooks";
import { useApp } from "./context.ts";
import { type Hit, search } from "./search.ts";
import type { View } from "./views.ts";

function go(hit: Hit): void {
  hit.act?.();
  if (hit.href !== undefined) location.hash = hit.href;
}

/** One box for everything; `/` brings the keyboard here. */
export function SearchBox({
  views,
  acts,
}: {
  readonly views: readonly View[];
  readonly acts: readonly Hit[];
}) {
  const app = useApp();
  const input = useRef<HTMLInputElement>(null);
  const [query, setQuery] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [hits, setHits] = useState<readonly Hit[]>([]);
  const [at, setAt] = useState(0);
  useEffect(() => {
    if (!isOpen) return undefined;
    let isWanted = true;
    void search(app, query, views, acts).then((found) => {
      if (isWanted) setHits(found);
      if (isWanted) setAt(0);
    });
    return () => {
      isWanted = false;
    };
  }, [query, isOpen]);
  const close = () => {
    setOpen(false);
    input.current?.blur();
  };
  const leave = () => {
    setQuery("");
    close();
  };
  const choose = (hit: Hit | undefined) => {
    if (!hit) return;
    // A directory is opened further by typing on.
    go(hit);
    leave();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Escape") leave();
    else if (event.key === "ArrowDown") setAt(Math.min(hits.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else if (event.key === "Enter") choose(hits[at]);
    else if (event.key === "Tab" && hits[at]?.title.startsWith("/")) setQuery(`${hits[at]?.title}/`);
    else return;
    event.preventDefault();
  };
  return (
    <div class="search">
      <input
        ref={input}
        id="search"
        role="combobox"
        aria-label="Search machines, jobs, files and actions"
        aria-expanded={isOpen}
        aria-controls="hits"
        aria-activedescendant={isOpen && hits.length > 0 ? `hit-${at}` : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder="Search, or /path"
        value={query}
        onInput={(event) => {
          setOpen(true);
          setQuery(event.currentTarget.value);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setTimeout(() => setOpen(false), 150)}
        onKeyDown={pressed}
      />
      <kbd>/</kbd>
      {isOpen && (
        <div class="hits" id="hits" role="listbox" aria-label="Found">
          {hits.length === 0 && <p class="dim">Nothing is called that</p>}
          {hits.map((hit, index) => (
            <button
              type="button"
              key={`${hit.title}${hit.small}`}
              id={`hit-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              onMouseDown={() => choose(hit)}
            >
              <span>{hit.title}</span>
              <small>{hit.small}</small>
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
