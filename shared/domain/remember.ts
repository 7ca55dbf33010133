import type { Clock } from './ports.ts';

/** Answers of look-ups, by key. */
export interface Remembered<Value> {
  /** What was answered a moment ago, or is being looked up; else it is looked up. */
  recall(key: string, lookUp: () => Promise<Value>): Promise<Value>;
  forget(key: string): void;
}

/** Keeps each answer for so long, and a look-up that fails for nobody: whoever asks next looks up again. */
export function remember<Value>({
  forMs,
  atMost,
  now,
}: {
  forMs: number;
  atMost: number;
  now: Clock;
}): Remembered<Value> {
  const known = new Map<string, { answer: Promise<Value>; until: number }>();
  return {
    recall(key, lookUp) {
      const before = known.get(key);
      if (before && before.until > now()) return before.answer;
      const answer = lookUp();
      if (known.size >= atMost) known.clear();
      known.set(key, { answer, until: now() + forMs });
      answer.catch(() => known.delete(key));
      return answer;
    },
    forget: (key) => void known.delete(key),
  };
}
