import { faults } from "@skep/fault";

const denied = (message: string) => ["denied", message] as const;

/** What can be wrong with the text, and what a judge refuses for. */
export const fault = faults("statement", {
  oversize: ["oversize", "Cannot read statement: beyond its limit"],
  version: ["unsupported", "Cannot read statement: its first line is not of this version"],
  "line-ending": ["invalid", "Cannot read statement: a line does not end in one LF"],
  character: ["invalid", "Cannot read statement: a character that must be escaped"],
  line: ["invalid", "Cannot read statement: a line that is no `key: value`"],
  "unknown-key": ["invalid", "Cannot read statement: unknown key"],
  "repeated-key": ["invalid", "Cannot read statement: repeated key"],
  "missing-key": ["invalid", "Cannot read statement: missing key"],
  "wrong-order": ["invalid", "Cannot read statement: keys out of order"],
  "trailing-bytes": ["invalid", "Cannot read statement: bytes after its last line"],
  value: ["invalid", "Cannot use value in statement"],
  burnt: ["corrupt", "Cannot read burnt nonces"],
  roles: ["invalid", "Cannot read roles of signers"],

  malformed: ["invalid", "Cannot accept statement: it or a signature cannot be read"],
  "wrong-hive": denied("Cannot accept statement: it is for another hive"),
  replayed: ["conflict", "Cannot accept statement: its nonce is burnt"],
  "wrong-act": denied("Cannot accept statement: it is for another act"),
  "wrong-target": denied("Cannot accept statement: it is for another target"),
  "wrong-parameters": denied("Cannot accept statement: it is for other parameters"),
  "changed-target": ["stale", "Cannot accept statement: its target is no longer what was signed for"],
  "not-yet-valid": denied("Cannot accept statement: not valid yet"),
  expired: denied("Cannot accept statement: no longer valid"),
  "wrong-role": denied("Cannot accept statement: its role may not do this"),
  "wrong-namespace": denied("Cannot accept signature: not made or not allowed for statements"),
  "bad-signature": denied("Cannot accept signature: it does not verify over this statement"),
  "security-key": denied("Cannot accept signature: not what is asked of a security key"),
  revoked: denied("Cannot accept signature: its key is revoked"),
  "unknown-signer": denied("Cannot accept signature: its key belongs to no signer"),
  "too-few-signatures": denied("Cannot accept statement: too few owners of keys signed it"),
});
