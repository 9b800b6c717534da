/** The flags that every command has. */
export interface GlobalFlags {
  readonly json: boolean;
  /** As given with `--home`; resolving the default is the app's. */
  readonly home: string | undefined;
  /** As given with `--context`; what a context is, the app knows. */
  readonly context: string | undefined;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** False with `--no-input`: nothing may be asked. */
  readonly input: boolean;
  readonly color: boolean;
}
