import { isList, isRecord, jsonValue } from './json-value.ts';
import type { JsonValue } from './span.ts';

/** The tag of a trace in which MLflow keeps the prompts linked to it: `[{"name": …, "version": …}, …]` as JSON. */
export const linkedPromptsTag = 'mlflow.linkedPrompts';

export interface LinkedPrompt {
  readonly name: string;
  readonly version: string;
}

/** What else stands in the tag, which anybody may set, is left out. */
export function readLinkedPrompts(tag: string | undefined): readonly LinkedPrompt[] {
  const prompts = jsonValue(tag ?? '[]');
  return isList(prompts) ? prompts.flatMap(toPrompt) : [];
}

function toPrompt(value: JsonValue): readonly LinkedPrompt[] {
  const { name, version } = isRecord(value) ? value : {};
  const hasVersion = typeof version === 'string' || typeof version === 'number';
  return typeof name === 'string' && hasVersion ? [{ name, version: String(version) }] : [];
}
