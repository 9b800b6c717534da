import { useState } from "preact/hooks";
import type { Answer, Stat } from "@skep/http-client";
import { Act, Chip, Copy } from "./basic.tsx";
import { useApp } from "./context.ts";
import { type Field, fillFrom, lineOf, type Schema, variantsOf } from "./schema.ts";
import { toldOf } from "../state/told.ts";
import { cliOf, shortText } from "./words.ts";

function Input(props: {
  readonly field: Field;
  readonly value: string;
  readonly set: (value: string) => void;
}) {
  const { field, value, set } = props;
  const { name, kind, choices, isRequired, pattern } = field;
  const heard = (event: { currentTarget: { value: string } }) => set(event.currentTarget.value);
  const shared = { id: `field-${name}`, required: isRequired, value, onInput: heard, spellcheck: false };
  if (kind === "choice" || kind === "switch")
    return (
      <select {...shared}>
        <option value="" />
        {(kind === "switch" ? ["true", "false"] : choices).map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    );
  if (kind === "long" || kind === "json")
    return <textarea {...shared} rows={3} placeholder={kind === "json" ? "JSON" : ""} />;
  return (
    <input
      {...shared}
      inputMode={kind === "number" ? "numeric" : "text"}
      placeholder={kind === "words" ? "one, another" : ""}
      title={pattern === undefined ? name : `${name}: ${pattern}`}
    />
  );
}

function undoText(undo: unknown): string {
  if (typeof undo === "string") return undo;
  if (typeof undo !== "object" || undo === null) return "";
  return Object.entries(undo)
    .map(([op, is]) => `${op}: ${typeof is === "string" ? is : JSON.stringify(is)}`)
    .join(" · ");
}

/** What came of a command. */
function Came({ answer, path }: { readonly answer: Answer | undefined; readonly path: string }) {
  const app = useApp();
  if (!answer) return null;
  const isWaiting = answer.verdict === "waiting";
  return (
    <div class="came" role="status">
      <Chip tone={isWaiting ? "warn" : "ok"}>{answer.verdict}</Chip>{" "}
      {answer.id !== undefined && (
        <a href={isWaiting ? app.href("approvals", String(answer.id)) : app.href("audit", String(answer.id))}>
          {isWaiting ? "what it waits for" : `record ${answer.id}`}
        </a>
      )}
      {answer.result !== undefined && <pre>{JSON.stringify(answer.result, undefined, 2)}</pre>}
      <span class="hidden">{path}</span>
    </div>
  );
}

/** A form for a control, made of its schema; the line that it makes can be changed by hand. */
export function ControlForm({ about }: { readonly about: Stat }) {
  const app = useApp();
  const variants = about.line === "json" && about.schema ? variantsOf(about.schema as Schema) : [];
  const [chosen, choose] = useState(0);
  const [filled, fill] = useState<Readonly<Record<string, string>>>({});
  const [typed, type] = useState<string>();
  const [answer, setAnswer] = useState<Answer>();
  const variant = variants[chosen];
  const line = typed ?? (variant ? lineOf(variant, filled) : "");
  const send = async () => {
    setAnswer(undefined);
    setAnswer(await app.api.append(about.path, line));
    type(undefined);
  };
  const take = (example: unknown) => {
    const found = fillFrom(variants, example);
    if (!found) type(typeof example === "string" ? example : JSON.stringify(example));
    else {
      choose(found.variant);
      fill(found.filled);
      type(undefined);
    }
  };
  return (
    <form class="control" onSubmit={(event) => event.preventDefault()}>
      {variants.length > 1 && (
        <div class="tabs" role="tablist" aria-label="Commands">
          {variants.map(({ name }, at) => (
            <button
              type="button"
              role="tab"
              key={name}
              aria-selected={at === chosen}
              onClick={() => {
                choose(at);
                type(undefined);
              }}
            >
              {name}
            </button>
          ))}
        </div>
      )}
      {variant?.fields
        .filter(({ kind }) => kind !== "const")
        .map((field) => (
          <label key={field.name} for={`field-${field.name}`}>
            <span>
              {field.name} {field.isRequired && <em>needed</em>}
            </span>
            <Input
              field={field}
              value={filled[field.name] ?? ""}
              set={(value) => {
                fill({ ...filled, [field.name]: value });
                type(undefined);
              }}
            />
          </label>
        ))}
      <label for="line">
        <span>The line itself</span>
        <textarea
          id="line"
          class="mono"
          rows={2}
          value={line}
          spellcheck={false}
          onInput={(event) => type(event.currentTarget.value)}
        />
      </label>
      {(about.examples ?? []).length > 0 && (
        <p class="links">
          Examples:{" "}
          {namesOf(about.examples ?? []).map(([name, example]) => (
            <button type="button" class="quiet" key={JSON.stringify(example)} onClick={() => take(example)}>
              {name}
            </button>
          ))}
        </p>
      )}
      <div class="row">
        <Act what={`append to ${about.path}`} act={send} strong disabled={line.trim() === ""}>
          Append
        </Act>
        <Copy text={cliOf("echo", line, about.path)} label="Copy as command" />
        {about.right && <Chip>needs {about.right}</Chip>}
      </div>
      {about.undo !== undefined && <p class="dim small">Undo: {undoText(about.undo)}</p>}
      <Came answer={answer} path={about.path} />
    </form>
  );
}

// Two that are told alike are told apart by what they hold.
function namesOf(examples: readonly unknown[]): readonly (readonly [string, unknown])[] {
  const told = examples.map((example, at) => shortText(toldOf(example), 32) || `${at + 1}`);
  return examples.map((example, at) => {
    const name = told[at] ?? "";
    const isTwice = told.indexOf(name) !== told.lastIndexOf(name) && typeof example === "object";
    const held = Object.entries(example ?? {}).find(([, value]) => typeof value === "object");
    return [isTwice && held ? `${name} (${shortText(toldOf(held[1]), 24) || held[0]})` : name, example];
  });
}
