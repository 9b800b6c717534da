/** Something that can be restarted, with or without evidence of it; counts how often it was. */
export class FakeTarget {
  acts = 0;
  readonly tells: boolean;

  constructor(tells: boolean) {
    this.tells = tells;
  }

  evidence(): { readonly run: number } | undefined {
    return this.tells ? { run: this.acts } : undefined;
  }
}
