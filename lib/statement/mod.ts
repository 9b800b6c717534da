export { type BurntNonces, parseBurnt, printBurnt } from "./burnt.ts";
export type { Parameters, Role, Statement } from "./fields.ts";
export { type JudgeContext, type Judgement, judge, keyRotation } from "./judge.ts";
export { type AcceptedSigner, judgeSignature, type SignatureContext } from "./judge-signature.ts";
export { parseRoles, parseSigners, type Roles, type Signers } from "./roles.ts";
export {
  digestStatement,
  maxStatement,
  maxWindow,
  parseStatement,
  printStatement,
  statementNamespace,
} from "./statement.ts";
