import { type Fault, toFault } from "@skep/fault";
import { matchPatternList, parseRevocations, type Revocations } from "@skep/sshsig";
import { judgeSignature, parseSigners, type Signers } from "@skep/statement";
import { fault } from "./faults.ts";
import type { Enrolled } from "./model.ts";

type Role = Parameters<typeof judgeSignature>[2];
type Context = Parameters<typeof judgeSignature>[3];

/** A signature that holds. */
export interface Signed {
  /** Names of the key's owner. */
  readonly owners: readonly string[];
  readonly fingerprint: string;
}

function parseGroups(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const groups = new Map<string, ReadonlySet<string>>();
  for (const [at, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const [owner = "", names = "", ...rest] = trimmed.split(/[ \t]+/);
    const fits =
      names !== "" && rest.length === 0 && !groups.has(owner) && /^[\w.-]+(,[\w.-]+)*$/.test(names);
    if (!fits)
      throw fault.signers(`groups line ${at + 1}: not OWNER GROUP[,GROUP], or ${owner} stands twice`);
    groups.set(owner, new Set(names.split(",")));
  }
  return groups;
}

function parseRevoked(text: string): Revocations | undefined {
  if (text === "") return undefined;
  try {
    return parseRevocations(text.startsWith("krl:") ? Buffer.from(text.slice(4), "base64") : text);
  } catch (thrown) {
    throw fault.signers(`revoked: ${toFault(thrown).message}`);
  }
}

/** People whose signatures count: keys, whose they are, and what for. */
export class Enrolment {
  readonly #signers: Signers;
  readonly #groups: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #revoked: Revocations | undefined;

  private constructor(
    signers: Signers,
    groups: ReadonlyMap<string, ReadonlySet<string>>,
    revoked: Revocations | undefined,
  ) {
    this.#signers = signers;
    this.#groups = groups;
    this.#revoked = revoked;
  }

  /** Throws `policy.signers` with what is wrong: a file that is half understood allows nobody. */
  static parse({ allowed, roles, groups, revoked = "" }: Omit<Enrolled, "version">): Enrolment {
    let signers: Signers;
    try {
      signers = parseSigners(allowed, roles);
    } catch (thrown) {
      const { message } = toFault(thrown) satisfies Fault;
      throw fault.signers(message);
    }
    const [unusable] = signers.allowed.unusable;
    if (unusable) throw fault.signers(`allowed line ${unusable.line}: ${unusable.fault.message}`);
    return new Enrolment(signers, parseGroups(groups), parseRevoked(revoked));
  }

  /** Owners whose key may be used for a role. Owners that share a key are one. */
  owners(role: Role): readonly string[] {
    const { allowed, roles } = this.#signers;
    const keys = new Set<string>();
    const found: string[] = [];
    for (const [owner, its] of roles) {
      const lines = allowed.lines.filter(({ principals }) => matchPatternList(owner, principals));
      if (!its.has(role) || lines.length === 0) continue;
      const own = lines.filter(({ key }) => !this.#isRevoked(key)).map(({ key }) => key.fingerprint);
      if (own.length === 0 || own.some((key) => keys.has(key))) continue;
      for (const key of own) keys.add(key);
      found.push(owner);
    }
    return found;
  }

  #isRevoked(key: Parameters<Revocations["check"]>[0]): boolean {
    try {
      this.#revoked?.check(key);
      return false;
    } catch {
      return true;
    }
  }

  /** Whether some owner is of a group, or has the role of that name. */
  hasRole(owners: readonly string[], name: string): boolean {
    return owners.some(
      (owner) =>
        this.#groups.get(owner)?.has(name) ||
        [...(this.#signers.roles.get(owner) ?? [])].includes(name as Role),
    );
  }

  /** Whether the key is of whoever has tickets for this subject: its line in allowed_signers names both. */
  isOf(fingerprint: string, owners: readonly string[], subject: string): boolean {
    const person = subject.split("/", 1)[0] ?? subject;
    if (owners.includes(subject) || owners.includes(person)) return true;
    return this.#signers.allowed.lines.some(
      ({ key, principals }) =>
        key.fingerprint === fingerprint &&
        (matchPatternList(subject, principals) || matchPatternList(person, principals)),
    );
  }

  /** What signatures are held against. `now` in milliseconds. */
  context(now: number): Context {
    return {
      signers: this.#signers,
      now: Math.floor(now / 1000),
      ...(this.#revoked && { revocations: this.#revoked }),
    };
  }

  /** Throws the `statement.*` fault of a signature that does not count. `now` in milliseconds. */
  judge(signature: string, statement: string, role: Role, now: number): Signed {
    return judgeSignature(signature, Buffer.from(statement), role, this.context(now));
  }
}

const parsed = new WeakMap<Enrolled, Enrolment>();

/** The people enrolled in state, which were checked when they came. */
export function enrolmentOf(enrolled: Enrolled | null): Enrolment | undefined {
  if (!enrolled) return undefined;
  let known = parsed.get(enrolled);
  if (!known) {
    known = Enrolment.parse(enrolled);
    parsed.set(enrolled, known);
  }
  return known;
}
