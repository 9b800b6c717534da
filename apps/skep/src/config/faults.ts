import { Fault, type FaultKind, faults } from "@skep/fault";

const fault = faults("config", {
  home: ["denied", "Cannot use home"],
  file: ["invalid", "Cannot read configuration"],
  syntax: ["invalid", "Cannot read configuration: not TOML"],
  unknown: ["invalid", "Cannot use configuration: unknown setting"],
  value: ["invalid", "Cannot use configuration: wrong value"],
  together: ["invalid", "Cannot use configuration: two values do not fit together"],
  profile: ["invalid", "Cannot use configuration: the profile forbids it"],
  secret: ["invalid", "Cannot read secret"],
});

/** What can be wrong with a home or its configuration. */
export type Problem = keyof typeof fault;

/** A fault of this area with a text of its own, which names file and line and is not cut. */
export function problem(name: Problem, text: string, cure: string, cause?: unknown): Fault {
  const made = fault[name]();
  const kind: FaultKind = made.kind;
  return new Fault(kind, made.code, text, { cure, cause });
}

/** The same fault with another cure. */
export function withCure(made: Fault, cure: string): Fault {
  return new Fault(made.kind, made.code, made.message, { cure, cause: made.cause });
}
