import { type Blobs, defineProvider, type Files, type Provider, Pieces } from "@skep/kernel";
import { outcome } from "./decide.ts";
import type { At, Limits, Uses } from "./files.ts";
import { type Bench, gpuModelsNode, modelsNode } from "./nodes.ts";
import { events, type FileName, fileNames, initial, type Models } from "./state.ts";
import { check, Store } from "./store.ts";
import { sweep } from "./sweep.ts";

/** What the app passes in. */
export interface ModelsDeps {
  /** Where weights and chunks lie. */
  readonly blobs: Blobs;
  /** Where the other files lie, below `models/`. */
  readonly files: Files;
  /** Public Ed25519 keys in hex; what none of them signed is never active. */
  readonly keys: readonly string[];
  readonly limits: Limits;
  /** Whether somebody else has these bytes in the blob store: they stay then. */
  readonly held?: (digest: string) => boolean;
}

/** The provider, and what it holds in the blob store that it shares. */
export interface ModelsMount {
  readonly provider: Provider;
  holds(digest: string): boolean;
}

/** Bytes of unfinished pieces that are kept in memory. */
const mostPieces = 16 * 1024 * 1024;

/** Those who wait for the end of a check. */
class Waiting {
  readonly #waits = new Map<string, { readonly done: Promise<void>; readonly end: () => void }>();

  begin(model: string): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.end(model);
    this.#waits.set(model, { done: promise, end: resolve });
  }

  end(model: string): void {
    this.#waits.get(model)?.end();
    this.#waits.delete(model);
  }

  of({ state, params }: At): Promise<void> | undefined {
    const { model = "" } = params;
    return state.models.get(model)?.stage === "checking" ? this.#waits.get(model)?.done : undefined;
  }
}

const holding = ({ models, chunks }: Models, digest: string): boolean =>
  chunks.has(digest) || models.get(digest)?.files.weights !== undefined;

function effectsOf({ blobs, held }: ModelsDeps, store: Store, present: () => Models | undefined) {
  const letGo = async (digest: string): Promise<void> => {
    const state = present();
    if (state && !holding(state, digest) && !held?.(digest)) await blobs.remove(digest);
  };
  return {
    check: {
      recover: "retry" as const,
      run: async ({ model }: { model: string }) => {
        const state = present();
        return state && check(model, state, store);
      },
    },
    sweep: {
      recover: "retry" as const,
      run: async ({ model }: { model: string }) => {
        const state = present();
        if (!state) return undefined;
        if (!state.models.has(model)) {
          await store.remove(model, fileNames);
          await letGo(model);
        }
        return sweep(state, store);
      },
    },
    unlink: {
      recover: "retry" as const,
      run: async ({ digests }: { digests: readonly string[] }) => {
        for (const digest of digests) await letGo(digest);
        return undefined;
      },
    },
  };
}

type Told = { readonly model: string };
type Came = Told & { readonly file: FileName };

/** `/models/<sha256>` and `/gpu/models`: models over the blob store, and which one is active. */
export function mountModels(deps: ModelsDeps): ModelsMount {
  const { blobs, keys, limits } = deps;
  const store = new Store(deps.files, blobs, keys);
  const waiting = new Waiting();
  const refused = new Map<string, number>();
  let present: Models | undefined;
  let log: (line: string) => void = () => undefined;
  const bench: Bench = {
    ...{ store, limits, refused },
    pieces: new Pieces(mostPieces),
    settled: (at) => waiting.of(at),
    quarantine: (model, file, reason) => {
      refused.set(model, (refused.get(model) ?? 0) + 1);
      if (refused.size > limits.models) refused.delete(refused.keys().next().value ?? "");
      log(`model quarantine model=${model} file=${file} reason=${reason}`);
    },
  };
  const provider = defineProvider<Models, Uses>({
    name: "models",
    doc: "Models by digest, signed, and which one is active",
    uses: ["bridged"],
    initial,
    events,
    opened: (state, runtime) => {
      present = state;
      log = (line) => runtime.log(line);
      for (const [model, { stage }] of state.models.entries()) if (stage === "checking") waiting.begin(model);
    },
    notify: {
      "file@1": ({ model, file }: Came, _meta, _runtime, state) => {
        store.settled(model, file);
        if (file === "signature" && state.models.get(model)?.stage === "checking") waiting.begin(model);
      },
      "checking@1": ({ model }: Told) => waiting.begin(model),
      "unchecked@1": ({ model }: Told) => waiting.end(model),
      "retired@1": ({ model }: Told) => waiting.end(model),
      "checked@1": (
        { model, name, stage, reason }: Told & { name: string; stage: string; reason: string },
        _meta,
        runtime,
      ) => {
        waiting.end(model);
        runtime.log(`model ${stage} name=${name} model=${model}${reason === "" ? "" : ` reason=${reason}`}`);
      },
      "activated@1": ({ id, model }: { id: string; model: string }, _meta, runtime) =>
        runtime.log(`model activated id=${id || "-"} model=${model || "-"}`),
      "returned@1": (_data: object, _meta, runtime, { pointer }) =>
        runtime.log(`model rolled back to id=${pointer.get().id || "-"}`),
    },
    effects: effectsOf(deps, store, () => present),
    outcome,
    touches: {
      "file@1": ({ model }: Told) => `/models/${model}`,
      "checked@1": ({ model }: Told) => `/models/${model}`,
      "retired@1": ({ model }: Told) => `/models/${model}`,
      "activated@1": () => ["/models/active", "/gpu/models/active"],
      "returned@1": () => ["/models/active", "/gpu/models/active"],
    },
    mounts: (t) => ({ "/models": modelsNode(t, bench), "/gpu/models": gpuModelsNode(t, bench) }),
  });
  return { provider, holds: (digest) => present !== undefined && holding(present, digest) };
}
