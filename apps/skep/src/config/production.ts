import type { Fault } from "@skep/fault";
import { placeOf } from "./check.ts";
import { problem } from "./faults.ts";
import {
  describeOrigin,
  type GivenSecret,
  type Key,
  type Origin,
  type SecretKey,
  type Values,
} from "./values.ts";

/** Secrets that stand in manuals, examples and test data, this project's own among them. */
const everyoneKnows: ReadonlySet<string> = new Set([
  ...["changeme", "change-me", "secret", "password", "admin", "token", "test", "cohesix", "skep"],
  ...["bootstrap", "queen", "worker", "worker-heartbeat", "worker-gpu", "worker-bus", "worker-lora"],
]);

/** The public half of the seed that test data of updates is signed with: 0123456789abcdef, four times. */
const fixtureKey = "207a067892821e25d770f1fba0c47c11ff4b813e54162ece9eb839e076231ab6";
const leastSecret = 16;

interface Rule {
  readonly key: Key;
  readonly fits: (values: Values) => boolean;
  readonly text: string;
  readonly cure: string;
}

const covers = (hidden: readonly string[], path: string): boolean =>
  hidden.some((each) => each === path || each.startsWith(`${path}/`));

const rules: readonly Rule[] = [
  {
    key: "compat.well_known_secrets",
    fits: (values) => !values["compat.well_known_secrets"],
    text: "the production profile takes no secrets that everyone knows",
    cure: "Leave it out, and give secrets of your own",
  },
  {
    key: "updates.keys",
    fits: (values) => !values["updates.keys"].includes(fixtureKey),
    text: "the key of published test data may sign updates",
    cure: "Name keys of your own",
  },
  {
    key: "audit.replay",
    fits: (values) => values["audit.replay"],
    text: "the production profile wants replay",
    cure: "Set audit.replay = true",
  },
  {
    key: "compat.hide",
    fits: (values) => !covers(values["compat.hide"], "/audit") && !covers(values["compat.hide"], "/replay"),
    text: "the production profile wants audit and replay where clients look",
    cure: "Leave /audit and /replay out of it",
  },
  {
    key: "sandbox.isolation",
    fits: (values) => values["sandbox.isolation"] !== "off",
    text: "the production profile runs no module without its sandbox",
    cure: "Set sandbox.isolation = auto, or require",
  },
];

function secretFault(key: SecretKey, { secret, origin }: GivenSecret): Fault | undefined {
  const text = secret.reveal();
  const known = everyoneKnows.has(text.toLowerCase());
  if (!known && Buffer.byteLength(text) >= leastSecret) return undefined;
  const why = known ? "everyone knows that secret" : `that secret has fewer than ${leastSecret} bytes`;
  return problem(
    "secret",
    `Cannot use ${key} from ${describeOrigin(origin)}: ${why}, and the profile is production`,
    "Leave it out: one is made for the home. Or: openssl rand -hex 32 > FILE; chmod 600 FILE",
  );
}

/** What the production profile refuses. The journal and `/audit` are always there. */
export function checkProduction(
  values: Values,
  origins: Readonly<Record<Key, Origin>>,
  given: ReadonlyMap<SecretKey, GivenSecret>,
): readonly Fault[] {
  if (values.profile !== "production") return [];
  const broken = rules
    .filter(({ fits }) => !fits(values))
    .map(({ key, text, cure }) => problem("profile", `Cannot use ${placeOf([key], origins)}: ${text}`, cure));
  const secrets = [...given]
    .map(([key, each]) => secretFault(key, each))
    .filter((each) => each !== undefined);
  return [...broken, ...secrets];
}
