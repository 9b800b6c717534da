import { toneOf } from "../palette.ts";
import { Chip } from "../parts/basic.tsx";
import { useApp, useTick } from "../parts/context.ts";
import { agoText } from "../parts/words.ts";
import { type Happening, newsOf } from "../scene/news.ts";
import type { HiveState } from "../state/hive.ts";

const shown = 6;

/** The newest that people did, and what was refused. */
export function Happened({ hive }: { readonly hive: HiveState }) {
  const app = useApp();
  useTick(2000);
  const news = newsOf(hive, shown);
  const now = app.time();
  if (news.length === 0) return null;
  return (
    <section class="happened" aria-label="What happened">
      <ol>
        {news.map((one) => (
          <li key={one.seq}>
            <a href={app.href("audit", String(one.seq))}>
              <What of={one} />
              {one.count > 1 && <small>×{one.count}</small>}
              <small>{agoText(one.time, now)}</small>
            </a>
          </li>
        ))}
      </ol>
    </section>
  );
}

function What({ of: { subject, path, text, reason, isWaiting } }: { readonly of: Happening }) {
  if (reason)
    return (
      <>
        <Chip tone={toneOf[reason]}>refused</Chip>
        <span class="grow">{text}</span>
      </>
    );
  return (
    <>
      {isWaiting && <Chip tone="warn">waits</Chip>}
      <span class="grow">
        <b>{subject}</b> {text} <span class="dim">{path}</span>
      </span>
    </>
  );
}
