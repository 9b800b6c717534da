import { useState } from "preact/hooks";
import { Act, Chip, Cli, Empty, Facts, StateChip, Trouble, Waiting } from "../parts/basic.tsx";
import { useApp, useHive, useJson, useRead, useText } from "../parts/context.ts";
import { agoText, cliOf, momentText, spanText } from "../parts/words.ts";
import { toldOfLine } from "../state/told.ts";
import { lineOf, Statement } from "./statement.tsx";

interface Need {
  readonly rule: string;
  readonly approvals: number;
  readonly role: string | null;
  readonly by: string;
  readonly self: boolean;
  readonly have: number;
}

interface Action {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly path: string;
  readonly act: string;
  readonly class: string;
  readonly by: string;
  readonly at: number;
  readonly expires: number;
  readonly line: string;
  readonly needs?: readonly Need[];
  readonly approvals?: readonly { readonly by?: string; readonly who?: string; readonly at?: number }[];
  readonly comments?: readonly { readonly by: string; readonly text: string; readonly at?: number }[];
  readonly why?: string;
}

const whatOf = ({ act, line }: Action): string => (line ? toldOfLine(line) : act);

/** What waits for people. */
export function Approvals({ object }: { readonly object: string }) {
  return (
    <div class={`split ${object ? "opened" : ""}`}>
      <Queue chosen={object} />
      {object ? <One key={object} id={object} /> : <Rules />}
    </div>
  );
}

function Queue({ chosen }: { readonly chosen: string }) {
  const app = useApp();
  const hive = useHive();
  const past = useRead(app.route.at === undefined ? undefined : app.pathAt("/actions"), async () =>
    (await app.api.page(app.pathAt("/actions"))).entries
      .filter(({ kind }) => kind === "dir")
      .map(({ name }) => name),
  );
  const ids =
    app.route.at === undefined
      ? ((hive.facts.get("/actions") as readonly string[]) ?? [])
      : (past.value ?? []);
  return (
    <section class="pane list" aria-label="Waiting">
      <header>
        <h1>Approvals</h1>
        {app.route.at === undefined && (
          <Chip tone={hive.waiting > 0 ? "warn" : "dim"}>{hive.waiting} waiting</Chip>
        )}
      </header>
      {ids.length === 0 && (
        <Empty title="Nothing waits for people">
          What a policy asks approvals for is stored, not done, and stands here until enough of them are
          given.
        </Empty>
      )}
      <ol class="rows">
        {[...ids].reverse().map((id) => (
          <Row key={id} id={id} isChosen={id === chosen} />
        ))}
      </ol>
      <Cli command="skep ls /actions" />
    </section>
  );
}

function Row({ id, isChosen }: { readonly id: string; readonly isChosen: boolean }) {
  const app = useApp();
  const { value } = useJson<Action>(`/actions/${id}/status.json`);
  return (
    <li>
      <a href={app.href("approvals", id)} aria-current={isChosen ? "true" : undefined}>
        <b class="number">{id}</b>
        {value && <StateChip state={value.state} />}
        <span class="grow">{value && whatOf(value)}</span>
        <small>{value && agoText(value.at, app.time())}</small>
      </a>
    </li>
  );
}

function One({ id }: { readonly id: string }) {
  const app = useApp();
  const { value, problem } = useJson<Action>(`/actions/${id}/status.json`);
  const { value: statement } = useText(`/actions/${id}/statement`);
  if (problem) return <Trouble problem={problem} />;
  if (!value) return <Waiting what={`action ${id}`} />;
  const isOpen = /^(waiting|queued|pending)$/.test(value.state);
  return (
    <article class="pane" aria-label={`Action ${id}`}>
      <header>
        <a class="back" href={app.href("approvals")} aria-label="To the list">
          ←
        </a>
        <h1>Action {id}</h1>
        <StateChip state={value.state} />
        {value.class && <Chip tone={value.class === "irreversible" ? "bad" : "info"}>{value.class}</Chip>}
      </header>
      {value.why && (
        <p class="why">
          <b>Why</b> {value.why}
        </p>
      )}
      <Facts
        facts={[
          ["what", whatOf(value)],
          ["to", value.path && <a href={app.href("files", value.path.slice(1))}>{value.path}</a>],
          ["reason", lineOf(statement, "reason")],
          ["undo", lineOf(statement, "undo")],
          ["asked by", value.by],
          ["since", value.at > 0 && momentText(value.at)],
          ["until", value.expires > 0 && untilText(value.expires, isOpen ? app.time() : 0)],
        ]}
      />
      {value.line && <pre class="content">{value.line}</pre>}
      <Needs needs={value.needs ?? []} />
      {(value.comments ?? []).map((comment) => (
        <p key={`${comment.by}${comment.text}`} class="dim">
          {comment.by}: {comment.text}
        </p>
      ))}
      <Statement id={id} isOpen={isOpen} />
      {isOpen && <Decide id={id} isSigned={signedOnly(value.needs ?? [])} />}
      <Cli command={cliOf("cat", `/actions/${id}/status`)} />
    </article>
  );
}

function untilText(expires: number, now: number): string {
  const left = now > 0 && expires > now ? `, ${spanText(expires - now)} more` : "";
  return `${momentText(expires)}${left}`;
}

function Needs({ needs }: { readonly needs: readonly Need[] }) {
  return (
    <ul class="checks">
      {needs.map(({ rule, approvals, have, role, by, self }) => (
        <li key={rule}>
          <Chip tone={have >= approvals ? "ok" : "warn"}>
            {have} of {approvals}
          </Chip>{" "}
          <b>{self ? "own signature" : `${by}${approvals === 1 ? "" : "s"}`}</b>{" "}
          <span>
            {role ? `of the role ${role}, ` : ""}as rule {rule} asks
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Whether all that is still needed are signatures: an approval without one would be refused. */
function signedOnly(needs: readonly Need[]): boolean {
  const open = needs.filter(({ have, approvals }) => have < approvals);
  return open.length > 0 && open.every(({ by }) => by === "signer");
}

function Decide({ id, isSigned }: { readonly id: string; readonly isSigned: boolean }) {
  const app = useApp();
  const [reason, setReason] = useState("");
  const [signature, setSignature] = useState("");
  const send = (command: Readonly<Record<string, string>>, said: string) => async () => {
    await app.api.append("/actions/queue", JSON.stringify({ action: id, ...command }));
    app.tell({ tone: "ok", text: said });
    setReason("");
    setSignature("");
  };
  const signed = signature.trim() === "" ? {} : { signature };
  return (
    <section aria-label="Decide">
      <h2>Decide</h2>
      <label>
        <span>{isSigned ? "Signature of the statement above" : "Signature, where one is asked for"}</span>
        <textarea
          rows={3}
          class="mono"
          spellcheck={false}
          placeholder="-----BEGIN SSH SIGNATURE-----"
          value={signature}
          onInput={(event) => setSignature(event.currentTarget.value)}
        />
      </label>
      <label>
        <span>Reason or comment</span>
        <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <div class="row">
        <Act
          what={`approve action ${id}`}
          act={send({ decision: "approve", ...signed }, `Approved action ${id}`)}
          strong
          disabled={isSigned && signature.trim() === ""}
        >
          Approve
        </Act>
        <Act
          what={`reject action ${id}`}
          act={send({ decision: "reject", reason }, `Rejected action ${id}`)}
          disabled={reason === ""}
        >
          Reject
        </Act>
        <Act
          what={`comment on action ${id}`}
          act={send({ comment: reason }, "Commented")}
          disabled={reason === ""}
        >
          Comment
        </Act>
      </div>
    </section>
  );
}

function Rules() {
  const app = useApp();
  const { value, problem } = useText("/policy/rules");
  const { waiting } = useHive();
  return (
    <div class="pane">
      {waiting > 0 && (
        <p>Choose what waits to see what it would do, the exact statement, and how to sign it.</p>
      )}
      <h2>Rules in force</h2>
      {problem && <Trouble problem={problem} />}
      {value?.split("\n").length === 2 ? (
        <p class="dim">
          No rule is in force: what a ticket allows is done.{" "}
          <a href={app.href("files", "policy/ctl")}>Put policies in force</a>
        </p>
      ) : (
        value && <pre class="content">{value}</pre>
      )}
      <Cli command="skep cat /policy/rules" />
    </div>
  );
}
