import { type Build, defineProvider, type Json, type Node, type Provider, type Scene } from "@skep/kernel";
import { decidePublish, expire, nextGone, parsePublish, Publish } from "./publish.ts";
import { Command, decide, decideLine, type Uses } from "./run.ts";
import { events, type Gpu, type Gpus, initial } from "./state.ts";

type At = Scene<Gpus, Uses>;

const gpuOf = ({ state, params }: At): Gpu | undefined => state.gpus.get(params.gpu ?? "");
const text = (lines: readonly string[] | undefined): string =>
  (lines ?? []).map((line) => `${line}\n`).join("");
const ended = (value: string): string => (value === "" || value.endsWith("\n") ? value : `${value}\n`);

function jobJson(scene: At): Json {
  const gpu = gpuOf(scene);
  return { runs: gpu?.runs ?? [], receipts: gpu?.receipts ?? [] };
}

function jobText(scene: At): string {
  const { runs = [], receipts = [] } = gpuOf(scene) ?? {};
  const rows = [
    ...receipts.map((one) => ({ state: "ended", ...one })),
    ...runs.map((one) => ({ state: "running", ...one })),
  ];
  return text(
    rows.map((row) =>
      Object.entries(row)
        .map(([name, value]) => `${name}=${value}`)
        .join(" "),
    ),
  );
}

function gpuNodes(t: Build<Gpus, Uses>): Node {
  const lines = (doc: string, file: "lease" | "status"): Node =>
    t.value(doc, {
      compensation: "Write what holds now: the newest lines are shown",
      read: (scene) => text(gpuOf(scene)?.[file]),
      decide: (line, at) => decideLine(line, at, file),
    });
  return t.dir("One GPU", {
    info: t.text("What it is, as it was published", { render: (scene) => ended(gpuOf(scene)?.info ?? "") }),
    ctl: t.control(
      "Begin a run under a lease, leave breadcrumbs, end it with a receipt; one JSON object per line",
      {
        input: Command,
        undo: "compensable",
        acts: {
          begin: { class: "compensable", compensation: "End the run with `end`" },
          note: { class: "compensable", compensation: "Nothing: it tells" },
          end: { class: "compensable", compensation: "Begin another" },
        },
        work: ({ op }) => op === "begin",
        outcome: true,
        examples: [
          `{"op":"begin","command":"${"0".repeat(64)}"}`,
          '{"op":"note","run":"17","text":"epoch 3"}',
          '{"op":"end","run":"17","exit":0}',
        ],
        decide,
      },
    ),
    lease: lines("Lines about its leases, the newest 64; a JSON object that is appended is kept", "lease"),
    status: lines("Breadcrumbs, the newest 64; a JSON object that is appended is kept", "status"),
    job: t.text("Runs, and receipts of the newest that ended", { render: jobText, json: jobJson }),
  });
}

function bridgeNodes(t: Build<Gpus, Uses>): Node {
  return t.dir("Where inventories are published", {
    ctl: t.control(
      "Publish GPUs and models: `begin bytes= sha256=`, `b64:` lines, `end`; or one JSON object. Withdraw GPUs",
      {
        input: Publish,
        parse: parsePublish,
        undo: "compensable",
        acts: Object.fromEntries(
          ["begin", "part", "end", "publish", "withdraw"].map((op) => [
            op,
            { class: "compensable" as const, compensation: "Publish again" },
          ]),
        ),
        examples: [
          '{"op":"publish","nodes":[{"id":"GPU-0","info":"name=H100 memory_mb=81559"}],"for_s":86400}',
          '{"op":"withdraw","gpus":["GPU-0"]}',
        ],
        decide: decidePublish,
      },
    ),
    status: t.text("How far the publication is", {
      render: ({ state }) => {
        const { state: stage, bytes, sha256, got } = state.bridge.get();
        if (stage === "receiving") return `state=receiving bytes=${got}\n`;
        return stage === "ok" ? `state=ok bytes=${bytes} sha256=${sha256}\n` : `state=${stage}\n`;
      },
    }),
  });
}

/** `/gpu`: GPUs that bridges publish, runs under leases of them, and their receipts. */
export function gpuProvider(): Provider {
  return defineProvider<Gpus, Uses>({
    name: "gpu",
    doc: "GPUs, runs on them and their receipts",
    uses: ["leased", "manifest"],
    offers: {
      // `/gpu/models` shows them beside those of the hive.
      bridged: ({ models }) => ({ ids: () => models.keys(), manifest: (id: string) => models.get(id) }),
    },
    initial,
    events,
    tick: { next: nextGone, decide: expire },
    notify: {
      "gone@1": ({ ids }: { ids: readonly string[] }, _meta, runtime) =>
        runtime.log(`gpu gone gpus=${ids.join(",")}`),
      "ended@1": ({ id, run, exit }: { id: string; run: string; exit: number | null }, _meta, runtime) =>
        runtime.log(`gpu run ended gpu=${id} run=${run} exit=${exit}`),
    },
    touches: {
      "gone@1": ({ ids }: { ids: readonly string[] }) => ids.map((id) => `/gpu/${id}`),
      "ended@1": ({ id }: { id: string }) => `/gpu/${id}/job`,
      "begun@1": ({ id }: { id: string }) => `/gpu/${id}/job`,
    },
    mounts: (t) => ({
      "/gpu": t.each(
        "GPUs by id",
        "gpu",
        {
          list: ({ state }) => state.gpus.keys(),
          has: (name, { state }) => state.gpus.has(name),
          entries: {
            bridge: bridgeNodes(t),
            telemetry: t.dir("What telemetry of GPUs looks like", {
              "schema.json": t.text("As it was published", {
                render: ({ state }) => ended(state.schema.get()),
              }),
            }),
          },
        },
        gpuNodes(t),
      ),
    }),
  });
}
