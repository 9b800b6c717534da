import { useRef, useState } from "preact/hooks";
import { useApp } from "./context.ts";

async function demo(): Promise<Uint8Array> {
  const { default: text } = await import("../demo/day.ndjson?raw");
  return new TextEncoder().encode(text);
}

/** Opens a recording: from a file, or the one that comes with the page. */
export function Recordings() {
  const app = useApp();
  const picker = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const take = (file: File | undefined) =>
    file && app.show(file.name, async () => new Uint8Array(await file.arrayBuffer()));
  return (
    <section
      class={`drop ${isOver ? "over" : ""}`}
      aria-label="Open a recording"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer?.files[0]);
      }}
    >
      <input
        ref={picker}
        type="file"
        accept=".tar,.ndjson,.jsonl,.json"
        class="hidden"
        tabIndex={-1}
        aria-hidden="true"
        id="recording"
        onChange={(event) => void take(event.currentTarget.files?.[0])}
      />
      <p>
        Drop an evidence pack (<code>.tar</code>) or a trace (<code>.ndjson</code>) here. It is shown by this
        browser alone and sent nowhere.
      </p>
      <div class="row">
        <button type="button" onClick={() => picker.current?.click()}>
          Choose a file
        </button>
        <button type="button" onClick={() => void app.show("a day of a hive", demo)}>
          Play the demo
        </button>
      </div>
    </section>
  );
}
