import type { PolicySlice } from "./model.ts";

/** The view `mandates`: what was signed for an action, for whoever carries it out to verify. */
export interface MandatesView {
  of(action: string): { readonly statement: string; readonly signatures: readonly string[] } | undefined;
}

/** The statement of an action and the signatures on it; undefined without either. */
export function mandateOf({ actions }: PolicySlice, id: string): ReturnType<MandatesView["of"]> {
  const action = actions.get(id);
  const signatures = action?.approvals.map(({ signature }) => signature).filter((each) => each !== "") ?? [];
  return action && signatures.length > 0 ? { statement: action.statement, signatures } : undefined;
}
