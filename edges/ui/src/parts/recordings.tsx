import { useApp } from "./context.ts";
import { Drop } from "./drop.tsx";

async function demo(): Promise<Uint8Array> {
  const { default: text } = await import("../demo/day.ndjson?raw");
  return new TextEncoder().encode(text);
}

/** Opens a recording: from a file, or the one that comes with the page. */
export function Recordings() {
  const app = useApp();
  return (
    <Drop
      id="recording"
      label="Open a recording"
      accept=".tar,.ndjson,.jsonl,.json"
      take={(file) => void app.show(file.name, async () => new Uint8Array(await file.arrayBuffer()))}
    >
      {(choose) => (
        <>
          <p>
            Drop an evidence pack (<code>.tar</code>) or a trace (<code>.ndjson</code>) here. It is shown by
            this browser alone and sent nowhere.
          </p>
          <div class="row">
            <button type="button" onClick={choose}>
              Choose a file
            </button>
            <button type="button" onClick={() => void app.show("a day of a hive", demo)}>
              Play the demo
            </button>
          </div>
        </>
      )}
    </Drop>
  );
}
