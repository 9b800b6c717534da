import type { FunctionComponent } from "preact";

/** A view of the page. */
export interface View {
  readonly name: string;
  readonly title: string;
  /** Pressed behind `g`. */
  readonly key: string;
  /** Drawn in a box of 24 by 24. */
  readonly icon: string;
  readonly doc: string;
  readonly Show: FunctionComponent<{ readonly object: string }>;
  /** Brings the script of the view, where the page begins without it. */
  readonly load?: () => Promise<unknown>;
}
