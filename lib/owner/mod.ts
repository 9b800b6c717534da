export {
  type Book,
  emptyBook,
  enter,
  type Entry,
  type Month,
  monthOf,
  statementOf,
  type Stops,
} from "./book.ts";
export { type Narrowed, narrow, type Offer, refusal } from "./caps.ts";
export { bounds, addTime, countOf, emptyHistogram, type Histogram, percentileOf } from "./histogram.ts";
export type { Days, LocalTime, Window } from "./hours.ts";
export {
  type GpuSeen,
  judge,
  type Judgement,
  type Observations,
  type OwnerState,
  type Reason,
  type RuleName,
} from "./judge.ts";
export { checkOwner, parseOwner, printProblem } from "./parse.ts";
export { exampleOwner, rulesJson } from "./print.ts";
export { type Caps, type GpuRules, noRules, type Problem, type Rules } from "./rules.ts";
