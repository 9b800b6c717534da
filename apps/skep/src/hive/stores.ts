import type { Blobs, Files, Provider } from "@skep/kernel";
import { casProvider, type Keeper } from "@skep/provider-cas";
import { type Limits as ModelLimits, mountModels } from "@skep/provider-models";
import { type Limits as UpdateLimits, mountUpdates } from "@skep/provider-updates";
import type { Config } from "../config/mod.ts";

/** How much is kept of updates, from the configuration. */
function updateLimits({ values }: Config): UpdateLimits {
  return {
    get updates() {
      return values["updates.kept"];
    },
    get chunks() {
      return values["updates.chunks"];
    },
    get manifestBytes() {
      return values["updates.manifest_size"];
    },
  };
}

/** How much is kept of models, from the configuration. */
function modelLimits({ values }: Config): ModelLimits {
  return {
    get models() {
      return values["models.kept"];
    },
    get chunks() {
      return values["models.chunks"];
    },
    get bytes() {
      return values["models.size"];
    },
  };
}

/** Most bytes of a blob: an input, an output, or a module, whichever may be largest. */
function mostBlob({ values }: Config): number {
  return Math.max(values["sandbox.stdin"], values["sandbox.output"], 1024 ** 3);
}

/** What keeps bytes in the one blob store: what one of them lets go stays where another has it. */
export function storeProviders({
  blobs,
  files,
  config,
  keeper,
}: {
  readonly blobs: Blobs;
  readonly files: Files;
  readonly config: Config;
  readonly keeper?: Keeper;
}): { readonly cas: Provider; readonly updates: Provider; readonly models: Provider } {
  let cased = (_digest: string): boolean => false;
  const updates = mountUpdates({
    blobs,
    files,
    keys: config.values["updates.keys"],
    limits: updateLimits(config),
    held: (digest) => cased(digest) || models.holds(digest),
  });
  const models = mountModels({
    blobs,
    files,
    keys: config.values["models.keys"],
    limits: modelLimits(config),
    held: (digest) => cased(digest) || updates.holds(digest),
  });
  const cas = casProvider({
    blobs,
    most: mostBlob(config),
    held: (digest) => updates.holds(digest) || models.holds(digest),
    opened: (has) => {
      cased = has;
    },
    ...(keeper && { keeper }),
  });
  return { cas, updates: updates.provider, models: models.provider };
}
