export { type LedgerDeps, ledgerProvider, type LedgerView } from "./src/ledger.ts";
export { decay, downgradeRefund, type Micro } from "./src/rules.ts";
export { commons, type Entry, type Ledger, type Metered, type Posting } from "./src/state.ts";
export { checkHistory, type Step } from "./src/history.ts";
