/** One answer of one machine. */
export interface Vote {
  /** Name of the replica. */
  readonly seat: string;
  /** What is compared: equal answers are equal strings. */
  readonly answer: string;
}

/** What votes come to. */
export interface Count {
  /** The answer that counts; undefined without a quorum. */
  readonly answer: string | undefined;
  readonly agreed: readonly string[];
  readonly dissent: readonly string[];
}

/** Machines that must agree where nobody says how many: more than half. */
export function majority(replicas: number): number {
  return Math.floor(replicas / 2) + 1;
}

/** The answer of at least `quorum` machines and of more than half of those that answered; nobody dissents without one. */
export function count(votes: readonly Vote[], quorum: number): Count {
  const answers = new Map<string, number>();
  for (const { answer } of votes) answers.set(answer, (answers.get(answer) ?? 0) + 1);
  for (const [answer, backers] of answers) {
    if (backers < quorum || backers * 2 <= votes.length) continue;
    const agreed = votes.filter((vote) => vote.answer === answer).map(({ seat }) => seat);
    const dissent = votes.filter((vote) => vote.answer !== answer).map(({ seat }) => seat);
    return { answer, agreed, dissent };
  }
  return { answer: undefined, agreed: [], dissent: [] };
}

/** Whether one more answer could still bring a quorum, were all that is missing to agree with the best there is. */
export function reachable(votes: readonly Vote[], missing: number, quorum: number): boolean {
  const answers = new Map<string, number>();
  for (const { answer } of votes) answers.set(answer, (answers.get(answer) ?? 0) + 1);
  const best = Math.max(0, ...answers.values()) + missing;
  return best >= quorum && best * 2 > votes.length + missing;
}

/** Ends that are the module's own and so the same everywhere; every other end is for a reason of its host. */
const ofModule: ReadonlySet<string> = new Set(["exit", "trap", "fuel", "depth", "output", "refused", "link"]);

/** Whether a result ended so is an answer. Wall clock, owner, memory of the host, crash: no answer, and nobody's fault. */
export function isAnswer(reason: string): boolean {
  return ofModule.has(reason);
}

/** What is compared of an answer: of a pure job every byte of output, of a loose one only how it ended. */
export function answerKey(told: {
  readonly reason: string;
  readonly exit: number | null;
  /** Commitment over the output, hex. */
  readonly output: string;
  readonly loose: boolean;
}): string {
  const { reason, exit, output, loose } = told;
  if (reason !== "exit") return reason;
  return loose ? `exit ${exit}` : `exit ${exit} ${output}`;
}
