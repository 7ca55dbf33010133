import type { Utterance } from './messages.ts';

/**
 * Says which of the messages it is shown are new. Agents hand the whole history to every call; of each history only what no earlier one
 * held is new. A message that is there twice in one history was said twice, and counts twice.
 */
export class MessageLog {
  private readonly seen = new Map<string, number>();
  private readonly occurrences = new Map<string, number>();

  /** Those of a history that are new, in its order. */
  add(history: readonly Utterance[]): readonly Utterance[] {
    const counts = new Map<string, number>();
    return history.filter((utterance) => {
      const key = keyOf(utterance);
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return this.isNew(key, count);
    });
  }

  /** What followed a history: new where both together hold it more often than was seen. */
  addAnswer(answer: readonly Utterance[], history: readonly Utterance[]): readonly Utterance[] {
    const fresh = new Set(this.add([...history, ...answer]));
    return answer.filter((utterance) => fresh.has(utterance));
  }

  /** Something that happened once more, and not as part of a history: new unless histories told as often before. */
  addOccurrence(utterance: Utterance): boolean {
    const key = keyOf(utterance);
    const count = (this.occurrences.get(key) ?? 0) + 1;
    this.occurrences.set(key, count);
    return this.isNew(key, count);
  }

  private isNew(key: string, count: number): boolean {
    if (count <= (this.seen.get(key) ?? 0)) return false;
    this.seen.set(key, count);
    return true;
  }
}

function keyOf(utterance: Utterance): string {
  switch (utterance.kind) {
    case 'text':
      return `${utterance.role}\0${utterance.text.trim()}`;
    case 'call':
      return `\0call\0${utterance.name}\0${utterance.arguments}`;
    case 'result':
      return `\0result\0${utterance.text.trim()}`;
  }
}

/** As one line of a transcript. */
export function transcriptLine(utterance: Utterance): string {
  switch (utterance.kind) {
    case 'text':
      return `${utterance.role}: ${utterance.text}`;
    case 'call':
      return `assistant calls ${utterance.name}(${utterance.arguments})`;
    case 'result':
      return `tool result: ${utterance.text}`;
  }
}
