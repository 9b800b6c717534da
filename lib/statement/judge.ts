import { type Fault, toFault } from "@skep/fault";
import { fault } from "./faults.ts";
import { type Parameters, printParameters, type Role, type Statement } from "./fields.ts";
import { type AcceptedSigner, judgeSignature, type SignatureContext } from "./judge-signature.ts";
import { digestStatement, parseStatement } from "./statement.ts";

/** The only act that the role `recovery` may sign for. */
export const keyRotation = "keys.rotate";

/** Signatures on one statement: each costs a verification before anything is known of it. */
const maxSignatures = 16;

/** What a statement must say, and who must have signed it. */
export interface JudgeContext extends SignatureContext {
  readonly hive: string;
  readonly act: string;
  /** The target as it is now, read by whoever carries the act out. */
  readonly target: { readonly path: string; readonly identity: string; readonly digest: string | null };
  readonly parameters: Parameters;
  /** Whether a nonce was used before; burn it durably before the act. */
  readonly burnt: (nonce: string) => boolean;
  /** How many owners must have signed: default 1. */
  readonly signatures?: number;
  /** The role that the rules ask for, where they ask for one. */
  readonly role?: Role;
  /** Owners who may not count, as whoever asked for the act where the rules exclude them. */
  readonly excluded?: readonly string[];
}

/** A statement that holds. */
export interface Judgement {
  readonly statement: Statement;
  /** What `digestStatement` gives for its text. */
  readonly digest: string;
  /** One name for each owner that counts. */
  readonly signers: readonly string[];
  readonly signatures: readonly AcceptedSigner[];
}

function parse(text: Uint8Array): Statement {
  try {
    return parseStatement(text);
  } catch (thrown) {
    const cause = toFault(thrown);
    throw cause.kind === "internal" ? cause : fault.malformed(cause.code, { cause });
  }
}

function checkStatement(statement: Statement, context: JudgeContext): void {
  const { target, now } = context;
  if (statement.hive !== context.hive) throw fault["wrong-hive"](statement.hive);
  // Before what the act itself has changed: a replay must be told as one.
  if (context.burnt(statement.nonce)) throw fault.replayed(statement.nonce);
  if (statement.act !== context.act) throw fault["wrong-act"](statement.act);
  if (statement.target !== target.path) throw fault["wrong-target"](statement.target);
  const said = printParameters(statement.parameters).join("\n");
  if (said !== printParameters(context.parameters).join("\n")) throw fault["wrong-parameters"]();
  if (statement.targetIdentity !== target.identity) throw fault["changed-target"](target.identity);
  if (statement.targetDigest !== target.digest) throw fault["changed-target"](target.digest ?? "no content");
  if (!Number.isSafeInteger(now) || now < statement.notBefore) throw fault["not-yet-valid"](statement.action);
  if (now > statement.notAfter) throw fault.expired(statement.action);
  const mayDo = statement.role === "operational" || statement.act === keyRotation;
  if (!mayDo || (context.role !== undefined && statement.role !== context.role))
    throw fault["wrong-role"](statement.role);
}

/** One name per owner: signatures that may be of the same owner fall into one group. */
function groupOwners(signatures: readonly AcceptedSigner[]): readonly string[] {
  let groups: readonly ReadonlySet<string>[] = [];
  for (const { owners } of signatures) {
    const touching = groups.filter((group) => owners.some((owner) => group.has(owner)));
    const merged = new Set([...owners, ...touching.flatMap((group) => [...group])]);
    groups = [...groups.filter((group) => !touching.includes(group)), merged];
  }
  return groups.map((group) => [...group].sort()[0] ?? "").sort();
}

/**
 * Judges a statement and its signatures against what is about to be done. Both the hive and the agent that carries an
 * act out use it, each with its own signers, revocations and burnt nonces. It returns when all holds, and throws
 * exactly one refusal otherwise: `statement.malformed`, `.wrong-hive`, `.replayed`, `.wrong-act`, `.wrong-target`,
 * `.wrong-parameters`, `.changed-target`, `.not-yet-valid`, `.expired`, `.wrong-role`, then for too few good
 * signatures the reason of the first bad one (see `judgeSignature`), or `.too-few-signatures` where none is bad.
 * A bad signature beside enough good ones changes nothing.
 */
export function judge(
  source: string | Uint8Array,
  signatures: readonly (string | Uint8Array)[],
  context: JudgeContext,
): Judgement {
  const text = Buffer.from(source);
  const statement = parse(text);
  checkStatement(statement, context);
  const due = context.signatures ?? 1;
  if (!Number.isSafeInteger(due) || due < 1) throw fault["too-few-signatures"](`${due} asked for`);
  if (signatures.length > maxSignatures) throw fault.malformed(`${signatures.length} signatures`);
  const accepted: AcceptedSigner[] = [];
  let refusal: Fault | undefined;
  for (const signature of signatures)
    try {
      accepted.push(judgeSignature(signature, text, statement.role, context));
    } catch (thrown) {
      refusal ??= toFault(thrown);
    }
  const counted = accepted.filter(({ owners }) => !owners.some((one) => context.excluded?.includes(one)));
  const signers = groupOwners(counted);
  if (signers.length < due) throw refusal ?? fault["too-few-signatures"](`${signers.length} of ${due}`);
  return { statement, digest: digestStatement(text), signers, signatures: counted };
}
