export { keeps, promise, type Promised } from "./commit.ts";
export {
  after,
  type Attested,
  type Fate,
  type History,
  newcomer,
  quarantine,
  type Quarantine,
  recentFailures,
  release,
  score,
  type Tier,
  tierOf,
  trustedAfter,
} from "./history.ts";
export {
  type Determinism,
  independent,
  joins,
  type MachineClass,
  ownersRule,
  type Party,
  type Place,
} from "./machine.ts";
export {
  type Asked,
  askedRule,
  auditRate,
  collusion,
  detection,
  draw,
  mostReplicas,
  replicationRate,
  type Rule,
  ruleFor,
} from "./rule.ts";
export { checkVerdict, type SignedVerdict, type VerdictCheck } from "./verdict.ts";
export { answerKey, type Count, count, isAnswer, majority, reachable, type Vote } from "./vote.ts";
