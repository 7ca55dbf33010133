import { createHash } from 'node:crypto';

/** Thrown by everything a process does after its death: it reaches nobody. */
class ProcessDiedError extends Error {
  override readonly name = 'ProcessDiedError';
}

/** Asked at every call to the outside: whether the process dies just before it, just after it took effect, or lives on. */
export type Fate = () => 'before' | 'after' | undefined;

/** Dies once, at the call of this number, counted from 1. */
export function dyingAt(deadly: number, when: NonNullable<ReturnType<Fate>>): Fate {
  let call = 0;
  return () => (++call === deadly ? when : undefined);
}

/** Dies at every sixteenth call, by chance that is the same for the same seed. */
export function dyingOften(seed: number): Fate {
  let call = seed * 1000;
  return () => {
    const drawn = createHash('sha256').update(String(call++)).digest().readUInt8(0);
    return drawn < 8 ? 'before' : drawn < 16 ? 'after' : undefined;
  };
}

/** Wraps ports so that the process they belong to can die at any call; from then on nothing that it does has an effect. */
export class DyingProcess {
  readonly #fate: Fate;
  #dead = false;

  constructor(fate: Fate = () => undefined) {
    this.#fate = fate;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  wrap<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member = Reflect.get(target, name);
        return typeof member === 'function'
          ? (...args: unknown[]) => this.#call(() => member.apply(target, args))
          : member;
      },
    });
  }

  async #call(effect: () => Promise<unknown>): Promise<unknown> {
    if (this.#dead) throw new ProcessDiedError();
    const death = this.#fate();
    if (death === 'before') return this.#die();
    const result = await effect();
    return death === 'after' ? this.#die() : result;
  }

  #die(): never {
    this.#dead = true;
    throw new ProcessDiedError();
  }
}
