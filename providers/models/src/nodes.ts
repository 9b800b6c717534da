import type { Build, Node } from "@skep/kernel";
import {
  decide,
  decideActive,
  decideChunk,
  decideFile,
  decideModel,
  ModelCommand,
  ModelsCommand,
} from "./decide.ts";
import { type At, chunkFile, type Desk, smallFile, type Uses, weightsFile } from "./files.ts";
import { digestForm } from "./manifest.ts";
import type { FileName, Model, Models } from "./state.ts";
import { manifestToml, pointerJson, pointerText, statusOf, statusText } from "./show.ts";
import { lackingOf } from "./store.ts";

type B = Build<Models, Uses>;

/** What the nodes are made with. */
export interface Bench extends Desk {
  /** Waits while a model is checked. */
  readonly settled: (at: At) => Promise<void> | undefined;
  readonly refused: ReadonlyMap<string, number>;
}

const idOf = ({ params }: At): string => params.model ?? "";
const modelOf = (at: At): Model | undefined => at.state.models.get(idOf(at));
const ended = (value: string): string => (value === "" || value.endsWith("\n") ? value : `${value}\n`);
/** Names that a directory of chunks lists at most. */
const mostListed = 10_000;

/** The original's models have weights, schema and signature, and nothing of a manifest. */
const hasManifest = (at: At): boolean => {
  const model = modelOf(at);
  return model === undefined || model.files.manifest !== undefined;
};

function small(t: B, bench: Bench, doc: string, name: Exclude<FileName, "weights">): Node {
  return t.blob(doc, {
    ...(["manifest", "table"].includes(name) && { visible: hasManifest }),
    size: (at) => modelOf(at)?.files[name],
    open: async (at) => {
      const here = modelOf(at)?.files[name] !== undefined;
      return smallFile(at, bench, name, here ? await bench.store.read(idOf(at), name) : undefined);
    },
    complete: ({ size }, at) => decideFile(name, size, at, bench.limits),
  });
}

async function partsOf(at: At, { store }: Bench) {
  return modelOf(at)?.files.table === undefined ? undefined : store.parts(idOf(at));
}

function weights(t: B, bench: Bench): Node {
  const whole = (at: At): boolean => {
    const model = modelOf(at);
    return model?.stage === "ready" || model?.files.weights !== undefined;
  };
  return t.blob("The weights, whose SHA-256 is the model's name; small ones may be appended whole", {
    size: (at) => (whole(at) ? modelOf(at)?.bytes : undefined),
    open: async (at) =>
      weightsFile(at, bench, modelOf(at)?.stage === "ready" ? await partsOf(at, bench) : undefined),
    complete: ({ size }, at) => decideFile("weights", size, at, bench.limits),
  });
}

function chunks(t: B, bench: Bench): Node {
  return t.each(
    "Chunks that are here, by SHA-256",
    "digest",
    {
      visible: hasManifest,
      list: async (at) => {
        const parts = await partsOf(at, bench);
        return [...(parts?.named.keys() ?? [])]
          .filter((name) => at.state.chunks.has(name))
          .slice(0, mostListed);
      },
      has: (name) => digestForm.test(name),
    },
    t.blob("The bytes of one chunk; append them, in pieces where that must be", {
      size: async (at) => {
        const { digest = "" } = at.params;
        const named = (await partsOf(at, bench))?.named.get(digest);
        return named === undefined ? undefined : at.state.chunks.get(digest)?.bytes;
      },
      open: async (at) => chunkFile(at, bench, (await partsOf(at, bench))?.named.get(at.params.digest ?? "")),
      complete: ({ size }, at) => decideChunk(size, at, bench.limits),
    }),
  );
}

function modelNodes(t: B, bench: Bench): Node {
  const status = async (at: At) => {
    await bench.settled(at);
    return statusOf(at, bench.store, bench.refused.get(idOf(at)) ?? 0);
  };
  return t.dir("One model", {
    weights: weights(t, bench),
    schema: small(t, bench, "What the weights are, for whoever loads them", "schema"),
    signature: small(t, bench, "Ed25519 signature of manifest.json by a release key, 64 bytes", "signature"),
    "manifest.json": small(
      t,
      bench,
      "Name, serial, digests, base and provenance, as RFC 8785 writes it; append it first",
      "manifest",
    ),
    table: small(t, bench, "The chunks of the weights in order: digest and length, 36 bytes each", "table"),
    chunks: chunks(t, bench),
    missing: t.text("Digests of chunks that are not here, one on a line", {
      visible: hasManifest,
      render: async (at) => {
        await bench.settled(at);
        if (modelOf(at)?.files.table === undefined) return "";
        const names = await lackingOf(idOf(at), at.state, bench.store);
        return names.map((name) => `${name}\n`).join("");
      },
    }),
    status: t.text("How far it is; waits while it is checked", {
      render: async (at) => statusText(await status(at)),
      json: async (at) => status(at),
    }),
    ctl: t.control("Check a model whose parts have come, or let it go", {
      input: ModelCommand,
      undo: "compensable",
      acts: {
        finish: { class: "compensable", compensation: "Nothing: what is there is looked at" },
        retire: { class: "compensable", compensation: "Import it again: `skep model import`" },
      },
      outcome: true,
      examples: ['{"op":"finish"}', '{"op":"retire"}'],
      decide: decideModel,
    }),
  });
}

/** `/models`. */
export function modelsNode(t: B, bench: Bench): Node {
  return t.each(
    "Models by the SHA-256 of their weights; one begins with its first append",
    "model",
    {
      list: ({ state }) => state.models.keys(),
      has: (name) => digestForm.test(name),
      entries: {
        active: t.text("Which model is active, since when, and which were before", {
          render: ({ state }) => pointerText(state.pointer.get()),
          json: ({ state }) => pointerJson(state.pointer.get()),
        }),
        ctl: t.control("Activate a model by its name or digest, or go back; one JSON object per line", {
          input: ModelsCommand,
          undo: "compensable",
          acts: {
            activate: { class: "reversible", inverse: () => ({ command: { op: "rollback" } }) },
            rollback: {
              class: "reversible",
              inverse: (_command, { state }) => {
                const { id, model } = state.pointer.get();
                return { command: { op: "activate", model: model || id } };
              },
            },
          },
          work: ({ op }) => op === "activate",
          outcome: true,
          examples: ['{"op":"activate","model":"llama3-edge-v7"}', '{"op":"rollback"}'],
          decide: (command, at) => decide(command, at, bench.store.keys),
        }),
      },
    },
    modelNodes(t, bench),
  );
}

/** `/gpu/models`. */
export function gpuModelsNode(t: B, bench: Bench): Node {
  const own = ({ state }: At, name: string): string | undefined => {
    const model = state.names.get(name)?.model;
    return model === undefined || state.models.get(model)?.stage !== "ready" ? undefined : model;
  };
  return t.dir("Models that GPUs may run", {
    available: t.each(
      "By their names: verified ones of this hive, and those that bridges published",
      "model",
      {
        list: (at) => [
          ...new Set([
            ...[...at.state.names.keys()].filter((name) => own(at, name) !== undefined),
            ...at.views.bridged.ids(),
          ]),
        ],
        has: (name, at) => own(at, name) !== undefined || at.views.bridged.manifest(name) !== undefined,
      },
      t.dir("One model", {
        "manifest.toml": t.text("As its bridge published it, or as its signed manifest says", {
          render: async (at) => {
            const name = idOf(at);
            const model = own(at, name);
            if (model === undefined) return ended(at.views.bridged.manifest(name) ?? "");
            return manifestToml(await bench.store.manifest(model), at.state.models.get(model)?.key ?? "");
          },
        }),
      }),
    ),
    active: t.value("Which one is active; append a name to change that", {
      compensation: "Append the name of the one before, where there was one",
      read: ({ state }) => ended(state.pointer.get().id),
      decide: (text, at) => decideActive(text, at, bench.store.keys),
    }),
  });
}
