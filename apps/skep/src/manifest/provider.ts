import { faults } from "@skep/fault";
import {
  type Cell,
  defineProvider,
  type Deciding,
  type Decision,
  emitter,
  type Json,
  type Provider,
  type Scope,
} from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { z } from "zod";
import type { Change, Kept } from "../config/mod.ts";
import type { Resolved } from "./document.ts";

const fault = faults("manifest", {
  running: ["busy", "Cannot read the configuration again while that is under way"],
});

/** What reading the configuration again came to. */
export type ReloadResult =
  | { readonly hash: string; readonly changed: readonly Change[]; readonly kept: readonly Kept[] }
  | {
      readonly problems: readonly {
        readonly code: string;
        readonly message: string;
        readonly cure: string;
      }[];
    };

/** What the app passes in; where the past is folded there is nothing running. */
export interface ManifestDeps {
  /** What is in force. */
  readonly manifest: () => Resolved;
  readonly reload: () => ReloadResult;
  /** Puts what was journalled in force. */
  readonly put: (changed: readonly Change[]) => void;
}

/** What others may know of the manifest as of the same sequence. */
export interface ManifestView {
  /** SHA-256 of the canonical form, hex; empty before the first start that had one. */
  hash(): string;
}

type Status = {
  readonly state: "idle" | "running" | "ok" | "refused";
  /** Record of the command. */
  readonly seq: number;
  readonly changed: readonly Change[];
  readonly kept: readonly Kept[];
  readonly problems: readonly { readonly code: string; readonly message: string; readonly cure: string }[];
};

interface Manifests {
  readonly hash: Cell<string>;
  readonly status: Cell<Status>;
}

const idle: Status = { state: "idle", seq: 0, changed: [], kept: [], problems: [] };

const events = {
  "loaded@1": ({ hash }: Manifests, data: { hash: string }) => hash.set(data.hash),
  "began@1": ({ status }: Manifests, _: object, { seq }: { seq: number }) =>
    status.set({ ...idle, state: "running", seq }),
  "reloaded@1": (
    { hash, status }: Manifests,
    data: { hash: string; changed: readonly Change[]; kept: readonly Kept[] },
  ) => {
    hash.set(data.hash);
    status.set({ ...idle, state: "ok", seq: status.get().seq, changed: data.changed, kept: data.kept });
  },
  "refused@1": ({ status }: Manifests, { problems }: Pick<Status, "problems">) =>
    status.set({ ...idle, state: "refused", seq: status.get().seq, problems }),
} as const;

const emit = emitter(events);

const Command = z.strictObject({ op: z.literal("reload") }).meta({ id: "ManifestCommand" });

function outcomeOf(result: Json): Decision {
  const { ok, failed } = result as { ok?: ReloadResult; failed?: { code: string; message: string } };
  if (ok && "hash" in ok) return { events: [emit("reloaded@1", ok)] };
  const unknown = { code: "manifest.unknown", message: "Cannot tell how it ended", cure: "Reload again" };
  const problems = ok ? ok.problems : [failed ? { ...failed, cure: "" } : unknown];
  return { events: [emit("refused@1", { problems })] };
}

const clean = (text: string): string => escapeForeign(text, { form: "wire" });

function statusText({ state, seq, changed, kept, problems }: Status): string {
  return [
    `state=${state} seq=${seq}`,
    ...changed.map(({ key, from, to }) => `changed ${key} from=${clean(from)} to=${clean(to)}`),
    ...kept.map(({ key, cure }) => `kept ${key}: ${clean(cure)}`),
    ...problems.map(({ code, message, cure }) => `wrong ${code}: ${clean(message)}. ${clean(cure)}`),
    "",
  ].join("\n");
}

const nothing = (): never => {
  throw new Error("Nothing runs where the past is folded");
};

function manifestText({ hash, manifest }: Resolved): string {
  const lines = Object.entries(manifest.settings).map(
    ([key, value]) => `${key}=${clean(JSON.stringify(value))}`,
  );
  const secrets = Object.entries(manifest.secrets).map(([key, value]) => `${key}=${value}`);
  return [`hash=${hash}`, `schema=${manifest.schema}`, ...lines, ...secrets, ""].join("\n");
}

/** `/proc/manifest` and `/queen/manifest`: what the hive is configured to, and how that changes while it runs. */
export function manifestProvider(deps?: ManifestDeps): Provider {
  const now = (): Resolved => (deps ? deps.manifest() : nothing());
  return defineProvider<Manifests>({
    name: "manifest",
    doc: "What the hive is configured to",
    initial: (scope: Scope) => ({ hash: scope.cell("hash", ""), status: scope.cell<Status>("status", idle) }),
    events,
    touches: { "began@1": () => "/queen/manifest/status", "reloaded@1": () => "/queen/manifest/status" },
    offers: { manifest: ({ hash }): ManifestView => ({ hash: () => hash.get() }) },
    notify: { "reloaded@1": ({ changed }: { changed: readonly Change[] }) => deps?.put(changed) },
    effects: {
      reload: { recover: "retry", run: async () => (deps ? deps.reload() : nothing()) as unknown as Json },
    },
    outcome: (_kind, _args, result) => outcomeOf(result),
    mounts: (t) => ({
      "/proc/manifest": t.text("What the hive is configured to, every default included; no secrets", {
        render: () => manifestText(now()),
        json: () => ({ hash: now().hash, ...now().manifest }) as unknown as Json,
      }),
      "/queen/manifest": t.dir("The configuration of the running hive", {
        ctl: t.control("Read the configuration again; one JSON object per line", {
          input: Command,
          undo: "compensable",
          act: () => "reload",
          acts: {
            reload: { class: "compensable", compensation: "Put the file back as it was, and reload again" },
          },
          examples: ['{"op":"reload"}'],
          decide: (_, { state, next }: Deciding<Manifests>) => {
            if (state.status.get().state === "running") throw fault.running();
            return {
              events: [emit("began@1", {})],
              effects: [{ kind: "reload", args: {} }],
              result: { seq: next },
            };
          },
        }),
        status: t.text("What the last reload changed, what it did not, and what was wrong", {
          render: ({ state }) => statusText(state.status.get()),
          json: ({ state }) => state.status.get() as unknown as Json,
        }),
      }),
    }),
  });
}

/** The event of a start whose manifest is another one than before. */
export function loaded(hash: string): Decision {
  return { events: [emit("loaded@1", { hash })] };
}
