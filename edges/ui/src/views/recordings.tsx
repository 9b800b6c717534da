import { Cli, Facts } from "../parts/basic.tsx";
import { useApp } from "../parts/context.ts";
import { Recordings as Open } from "../parts/recordings.tsx";
import { momentText } from "../parts/words.ts";

/** The lines of both traces, as the hive keeps them now. */
async function trace(read: (path: string) => Promise<string>): Promise<string> {
  const parts = await Promise.all(["/trace/events", "/trace/ctl"].map(read));
  return parts.map((part) => (part === "" || part.endsWith("\n") ? part : `${part}\n`)).join("");
}

/** What a hive did, out of a file, on the same scene. */
export function Recordings() {
  const app = useApp();
  const { replay } = app;
  const save = async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([await trace((path) => app.api.text(path))]));
    link.download = `hive-${new Date().toISOString().slice(0, 10)}.ndjson`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return (
    <div class="pane wide">
      <header>
        <h1>Recordings</h1>
      </header>
      {replay && (
        <Facts
          facts={[
            ["shown", replay.name],
            ["records", String(replay.records.length)],
            ["from", momentText(replay.records[0]?.time ?? 0)],
            ["to", momentText(replay.records.at(-1)?.time ?? 0)],
          ]}
        />
      )}
      <Open />
      <h2>Make one</h2>
      <p>
        A pack holds the newest records with their proofs; a saved trace holds what this page can read of what
        happened. Neither has a key or a ticket in it.
      </p>
      <div class="row">
        <button type="button" disabled={app.standing.state !== "open"} onClick={() => app.attempt(save)}>
          Save the trace of this hive
        </button>
      </div>
      <Cli command="skep evidence bundle case.tar" />
    </div>
  );
}
