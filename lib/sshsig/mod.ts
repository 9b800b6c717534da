export { type AgentIdentity, type AgentStream, openAgent, type SshAgent } from "./agent.ts";
export {
  type AllowedSigners,
  type Authorization,
  authorize,
  parseAllowedSigners,
} from "./allowed-signers.ts";
export { maxArmour } from "./armour.ts";
export { checkCertificate } from "./certificate.ts";
export { minimumRsaBits } from "./family.ts";
export { parseKey, parseKeyLine, printKey, sameKey } from "./key.ts";
export type { CivilTime, LocalTime } from "./moment.ts";
export { matchPatternList } from "./pattern.ts";
export { openPrivateKey, publicKeyOf, withCertificate } from "./private-key.ts";
export { parseRevocations, type Revocations } from "./revocations.ts";
export type { SecurityKeyUse } from "./security-key.ts";
export type { SignerLine } from "./signer-line.ts";
export type { Certificate, SignatureProof, SshKey } from "./ssh-key.ts";
export {
  parseSshsig,
  printSshsig,
  type Sshsig,
  type SshsigHash,
  type SshSigner,
  signSshsig,
  verifySshsig,
} from "./sshsig.ts";
export {
  type AcceptedSignature,
  checkSecurityKey,
  type Expectation,
  type SecurityKeyPolicy,
  verifyAs,
} from "./verify-as.ts";
