import {
  type Blobs,
  type Build,
  defineProvider,
  type Files,
  type Node,
  type Provider,
  Pieces,
  Lost,
} from "@skep/kernel";
import { check, lackingOf, Manifests, type Store } from "./check.ts";
import { Command, decide, decideChunk, decideManifest, outcome } from "./decide.ts";
import { type At, ChunkFile, chunkOf, type Desk, type Limits, ManifestFile } from "./files.ts";
import { epochForm } from "./manifest.ts";
import { events, initial, type Updates } from "./state.ts";
import { statusCbor, statusJson, statusOf, statusText } from "./status.ts";
import { sweep } from "./sweep.ts";

/** What the app passes in. */
export interface UpdatesDeps {
  /** Where chunks lie. */
  readonly blobs: Blobs;
  /** Where manifests lie, below `updates/`. */
  readonly files: Files;
  /** Public Ed25519 keys in hex; what none of them signed is refused. */
  readonly keys: readonly string[];
  readonly limits: Limits;
  /** Whether somebody else has these bytes in the blob store: they stay then. */
  readonly held?: (digest: string) => boolean;
}

/** The provider, and what it holds in the blob store that it shares. */
export interface UpdatesMount {
  readonly provider: Provider;
  holds(digest: string): boolean;
}

/** Bytes of unfinished pieces that are kept in memory. */
const mostPieces = 16 * 1024 * 1024;
const digestForm = /^[0-9a-f]{64}$/;
/** Names that a directory of chunks lists at most. */
const mostListed = 10_000;

/** Those who wait for the end of a check. */
class Waiting {
  readonly #waits = new Map<string, { readonly done: Promise<void>; readonly end: () => void }>();

  begin(epoch: string): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.end(epoch);
    this.#waits.set(epoch, { done: promise, end: resolve });
  }

  end(epoch: string): void {
    this.#waits.get(epoch)?.end();
    this.#waits.delete(epoch);
  }

  of({ state, params }: At): Promise<void> | undefined {
    const { epoch = "" } = params;
    return state.epochs.get(epoch)?.stage === "checking" ? this.#waits.get(epoch)?.done : undefined;
  }
}

async function listed(scene: At, manifests: Manifests): Promise<string[]> {
  const { epoch = "" } = scene.params;
  const { epochs, chunks } = scene.state;
  const update = epochs.get(epoch);
  const held = update && update.stage !== "chunks" ? await manifests.get(epoch) : undefined;
  if (held) return [...held.named.keys()].filter((digest) => chunks.has(digest)).slice(0, mostListed);
  if (update?.stage !== "chunks") return [];
  return [...chunks.entries()]
    .filter(([, one]) => one.epoch === epoch)
    .map(([digest]) => digest)
    .slice(0, mostListed);
}

function updateNodes(
  t: Build<Updates, Record<string, never>>,
  desk: Desk,
  waiting: Waiting,
  refused: ReadonlyMap<string, number>,
): Node {
  const status = async (scene: At) => {
    await waiting.of(scene);
    const { epoch = "" } = scene.params;
    const lacking = await lackingOf(epoch, scene.state, desk);
    return statusOf(scene, { refused: refused.get(epoch) ?? 0, lacking: lacking.length });
  };
  const held = async ({ state, params }: At) => {
    const { epoch = "" } = params;
    const stage = state.epochs.get(epoch)?.stage ?? "chunks";
    return stage === "chunks" ? undefined : (await desk.manifests.get(epoch))?.bytes;
  };
  return t.dir("One update", {
    "manifest.cbor": t.blob("The manifest, signed by a release key; append it once, then it stays", {
      size: async (scene) => (await held(scene))?.length,
      open: async (scene) => new ManifestFile(scene, desk, await held(scene)),
      complete: (_upload, deciding) => decideManifest(deciding, desk.limits),
    }),
    chunks: t.each(
      "Chunks that are here, by SHA-256",
      "digest",
      { list: (scene) => listed(scene, desk.manifests), has: (name) => digestForm.test(name) },
      t.blob("The bytes of one chunk; append them, in pieces where that must be", {
        size: async (scene) => (await chunkOf(scene, desk)).known,
        open: async (scene) => new ChunkFile(scene, desk, await chunkOf(scene, desk)),
        complete: ({ size }, deciding) => decideChunk(size, deciding, desk.limits),
      }),
    ),
    missing: t.text("Digests of the chunks that the manifest names and that are not here, one on a line", {
      render: async (scene) => {
        await waiting.of(scene);
        const names = await lackingOf(scene.params.epoch ?? "", scene.state, desk);
        return names.map((digest) => `${digest}\n`).join("");
      },
    }),
    status: t.text("How far it is; waits while it is checked", {
      render: async (scene) => statusText(await status(scene)),
      json: async (scene) => statusJson(await status(scene)),
    }),
    "status.cbor": t.text("The same as CBOR, a map of eleven", {
      render: async (scene) => statusCbor(await status(scene)),
    }),
    ctl: t.control("Check an update whose chunks have come, or let it go", {
      input: Command,
      undo: "compensable",
      acts: {
        finish: { class: "compensable", compensation: "Nothing: what is there is looked at" },
        retire: { class: "compensable", compensation: "Upload it again: `skep update upload`" },
      },
      outcome: true,
      examples: ['{"op":"finish"}', '{"op":"retire"}'],
      decide,
    }),
  });
}

function effectsOf(deps: UpdatesDeps, store: Store, present: () => Updates | undefined) {
  const { manifests, blobs } = store;
  return {
    check: {
      recover: "retry" as const,
      run: async ({ epoch }: { epoch: string }) => {
        const state = present();
        return state && check(epoch, state, store);
      },
    },
    sweep: {
      recover: "retry" as const,
      run: async ({ epoch }: { epoch: string }) => {
        const state = present();
        if (!state) return undefined;
        if (!state.epochs.has(epoch)) await manifests.remove(epoch);
        return sweep(state, manifests);
      },
    },
    unlink: {
      recover: "retry" as const,
      run: async ({ digests }: { digests: readonly string[] }) => {
        for (const digest of digests)
          if (!present()?.chunks.has(digest) && !deps.held?.(digest)) await blobs.remove(digest);
        return undefined;
      },
    },
  };
}

/** `/updates/<epoch>`: signed updates in chunks over the blob store. */
export function mountUpdates(deps: UpdatesDeps): UpdatesMount {
  const { blobs, keys, limits } = deps;
  const manifests = new Manifests(deps.files);
  const waiting = new Waiting();
  const refused = new Map<string, number>();
  let present: Updates | undefined;
  let log: (line: string) => void = () => undefined;
  const desk: Desk = {
    ...{ blobs, keys, limits, manifests },
    lost: new Lost(blobs),
    pieces: new Pieces(mostPieces),
    quarantine: (epoch, name, reason) => {
      refused.set(epoch, (refused.get(epoch) ?? 0) + 1);
      if (refused.size > limits.updates) refused.delete(refused.keys().next().value ?? "");
      log(`update quarantine epoch=${epoch} name=${name} reason=${reason}`);
    },
  };
  const provider = defineProvider<Updates>({
    name: "updates",
    doc: "Signed updates in chunks",
    initial,
    events,
    opened: (state, runtime) => {
      present = state;
      log = (line) => runtime.log(line);
      for (const [epoch, { stage }] of state.epochs.entries()) if (stage === "checking") waiting.begin(epoch);
    },
    notify: {
      "checking@1": ({ epoch }: { epoch: string }) => waiting.begin(epoch),
      "unchecked@1": ({ epoch }: { epoch: string }) => waiting.end(epoch),
      "retired@1": ({ epoch }: { epoch: string }) => {
        waiting.end(epoch);
        desk.lost.doubt(epoch);
      },
      "checked@1": (
        { epoch, stage, reason }: { epoch: string; stage: string; reason: string },
        _meta,
        runtime,
      ) => {
        waiting.end(epoch);
        runtime.log(`update ${stage} epoch=${epoch}${reason === "" ? "" : ` reason=${reason}`}`);
      },
    },
    effects: effectsOf(deps, desk, () => present),
    outcome,
    touches: {
      "checked@1": ({ epoch }: { epoch: string }) => `/updates/${epoch}`,
      "retired@1": ({ epoch }: { epoch: string }) => `/updates/${epoch}`,
    },
    mounts: (t) => ({
      "/updates": t.each(
        "Updates by epoch; one begins with its first append",
        "epoch",
        { list: ({ state }) => state.epochs.keys(), has: (name) => epochForm.test(name) },
        updateNodes(t, desk, waiting, refused),
      ),
    }),
  });
  return { provider, holds: (digest) => present?.chunks.has(digest) === true };
}
