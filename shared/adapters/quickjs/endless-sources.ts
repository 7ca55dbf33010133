/** Of time-outs in a row: one may be a large trace or a busy machine. */
const manyTimeouts = 3;
const windowMs = 60_000;

interface Timeouts {
  /** The first of them. */
  readonly since: number;
  readonly count: number;
}

/**
 * Sources that have not ended several times in a row within a minute. All calls of an instance share one thread, in which each of theirs would
 * cost the limit and a new thread, while up to fifty traces wait: for the rest of that minute they are taken to be endless. Only this
 * instance knows; a minute later the source is tried again.
 */
export class EndlessSources {
  readonly #timeouts = new Map<string, Timeouts>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  has(source: string): boolean {
    const known = this.#timeouts.get(source);
    return known !== undefined && known.count >= manyTimeouts && this.#isRecent(known);
  }

  note(source: string, { isTimeout }: { isTimeout: boolean }): void {
    for (const [known, timeouts] of this.#timeouts) if (!this.#isRecent(timeouts)) this.#timeouts.delete(known);
    const { since, count } = this.#timeouts.get(source) ?? { since: this.#now(), count: 0 };
    if (isTimeout) this.#timeouts.set(source, { since, count: count + 1 });
    else this.#timeouts.delete(source);
  }

  #isRecent({ since }: Timeouts): boolean {
    return this.#now() - since < windowMs;
  }
}
