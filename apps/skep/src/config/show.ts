import { envOf, type SecretSetting, type Setting } from "./setting.ts";
import { secrets, settings } from "./settings.table.ts";
import { type Config, examineConfig, type ConfigSources } from "./load.ts";
import { describeOrigin, type Key, type SecretKey } from "./values.ts";

/** One line of `skep config show`. */
export interface ShownSetting {
  readonly key: string;
  /** As it would be written; secrets are masked. */
  readonly value: string;
  /** True where it is the default. */
  readonly usual: boolean;
  /** Where it came from, in words. */
  readonly origin: string;
  readonly env: string;
  readonly flag?: string;
}

function shown(
  key: string,
  declared: Setting<unknown> | SecretSetting,
  value: string,
  origin: string,
  usual: boolean,
): ShownSetting {
  const flag = declared.flag === undefined ? {} : { flag: `--${declared.flag}` };
  return { key, value, usual, origin, env: envOf(key, declared), ...flag };
}

/** The effective configuration, each value with its origin; secrets never show more than that they are there. */
export function showConfig(config: Config): readonly ShownSetting[] {
  const plain = Object.entries(settings as Readonly<Record<string, Setting<unknown>>>).map(([key, each]) => {
    const origin = config.origins[key as Key];
    const value = each.kind.show(config.values[key as Key]);
    return shown(key, each, value, describeOrigin(origin), origin.from === "default");
  });
  const hidden = Object.entries(secrets as Readonly<Record<string, SecretSetting>>).map(([key, each]) => {
    const found = config.given.get(key as SecretKey);
    const origin = found?.origin ?? { from: "home" as const };
    return shown(key, each, "(secret)", describeOrigin(origin), found === undefined);
  });
  return [...plain, ...hidden];
}

/** What `skep config check` finds. */
export interface ConfigFindings {
  /** The file that was read, where there was one. */
  readonly path: string | undefined;
  readonly problems: readonly {
    readonly code: string;
    readonly message: string;
    readonly cure: string | undefined;
  }[];
  readonly warnings: readonly string[];
}

/** Everything that is wrong or doubtful, in the order in which it was found. */
export function checkConfig(sources: ConfigSources): ConfigFindings {
  const { config, problems } = examineConfig(sources);
  return {
    path: config.path,
    problems: problems.map(({ code, message, cure }) => ({ code, message, cure })),
    warnings: config.warnings,
  };
}
