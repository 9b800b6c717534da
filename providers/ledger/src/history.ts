import { commons, type Entry } from "./state.ts";

/** A record that has a posting of an account, in the order of its numbers. */
export interface Step {
  readonly n: number;
  readonly entries: readonly Entry[];
}

/** What is wrong with an account's history; undefined where every posting is there, in order, and adds up. */
export function checkHistory(account: string, steps: readonly Step[]): string | undefined {
  let balance = 0;
  for (const [at, { n, entries }] of steps.entries()) {
    if (n !== at + 1) return `posting ${at + 1} is missing`;
    const found = entries.find(({ postings }) =>
      postings.some((one) => one.account === account && one.n === n),
    );
    const posting = found?.postings.find((one) => one.account === account && one.n === n);
    if (!found || !posting) return `posting ${n} is not in its record`;
    if (found.postings.reduce((sum, { micro }) => sum + micro, 0) !== 0)
      return `the sides of posting ${n} do not add up to nothing`;
    balance += posting.micro;
    if (balance !== posting.balance) return `posting ${n} leaves ${posting.balance}, and ${balance} is right`;
    if (balance < 0 && account !== commons) return `posting ${n} goes below zero`;
  }
  return undefined;
}
