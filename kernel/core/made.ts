/** A snapshot that was written and does not count yet. */
export interface Made {
  readonly file: string;
  readonly digest: string;
  readonly code: string;
  /** Milliseconds that it took, where somebody measured: to fold so many records, and for all else. */
  readonly cost?: { readonly records: number; readonly fold: number; readonly rest: number };
}
