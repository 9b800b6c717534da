import { useState } from "preact/hooks";
import type { App } from "../app.ts";
import { Act, Chip } from "../parts/basic.tsx";
import { useApp } from "../parts/context.ts";
import { Drop } from "../parts/drop.tsx";
import { ownProblem } from "../parts/problem.ts";
import { bytesText, cliOf } from "../parts/words.ts";
import { base64Of, hexOf, sha256, utf8 } from "../proof/bytes.ts";

interface Module {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes of input that go along with the command; larger ones are stored first. */
const inlineBytes = 6000;
const wasmMagic = "0,97,115,109";

/** Words of a line as a shell would cut them, quotes included. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
}

/** Stores bytes by their digest, and gives that. */
async function store(app: App, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = hexOf(await sha256(bytes));
  await app.api.put(`/cas/${digest}`, bytes);
  return digest;
}

/** Stores a module and its input and submits the job; gives its number. */
export async function submit(
  app: App,
  run: Readonly<Record<string, unknown>>,
  input: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const stdin =
    input.length === 0
      ? {}
      : {
          stdin:
            input.length <= inlineBytes ? { inline: base64Of(input) } : { digest: await store(app, input) },
        };
  const key = crypto.randomUUID();
  const { id } = await app.api.append("/jobs/ctl", JSON.stringify({ op: "submit", run, ...stdin }), { key });
  return String(id);
}

async function readModule(app: App, file: File): Promise<Module | undefined> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.subarray(0, 4).join() === wasmMagic) return { name: file.name, bytes };
  app.tell({
    tone: "bad",
    text: `Cannot run ${file.name}: it is no WASM module`,
    problem: ownProblem("page.module", "", "Compile for wasm32-wasi; examples/modules has some"),
  });
  return undefined;
}

/** Takes a .wasm file that is dropped or chosen, and runs it. */
export function Submit() {
  const app = useApp();
  const [module, setModule] = useState<Module>();
  const [args, setArgs] = useState("");
  const [input, setInput] = useState("");
  const take = async (file: File) => setModule((await readModule(app, file)) ?? module);
  const run = async () => {
    if (!module) return;
    const digest = await store(app, module.bytes);
    const id = await submit(app, { kind: "wasm", module: digest, args: wordsOf(args) }, utf8(input));
    setModule(undefined);
    app.go({ view: "jobs", object: id });
  };
  return (
    <Drop
      id="module"
      label="Submit a module"
      accept=".wasm,application/wasm"
      take={(file) => void take(file)}
    >
      {(choose) =>
        module ? (
          <form onSubmit={(event) => event.preventDefault()}>
            <p>
              <b>{module.name}</b> <Chip>{bytesText(module.bytes.length)}</Chip>{" "}
              <button type="button" class="quiet" onClick={() => setModule(undefined)}>
                Another
              </button>
            </p>
            <label>
              <span>Arguments</span>
              <input
                value={args}
                onInput={(event) => setArgs(event.currentTarget.value)}
                spellcheck={false}
              />
            </label>
            <label>
              <span>Input</span>
              <textarea rows={3} value={input} onInput={(event) => setInput(event.currentTarget.value)} />
            </label>
            <div class="row">
              <Act what={`run ${module.name}`} act={run} strong>
                Run
              </Act>
              <code class="dim small">{cliOf("run", module.name, ...wordsOf(args))}</code>
            </div>
          </form>
        ) : (
          <p>
            Drop a <code>.wasm</code> module here, or{" "}
            <button type="button" onClick={choose}>
              choose one
            </button>
          </p>
        )
      }
    </Drop>
  );
}
