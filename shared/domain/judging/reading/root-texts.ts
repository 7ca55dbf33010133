import { responseText } from '../../heuristics/response-text.ts';
import { onlyText, textOf } from '../../json-value.ts';
import type { ScorableTrace } from '../../scorable-trace.ts';
import type { JsonValue } from '../../span.ts';
import { transcriptLine } from './message-log.ts';
import { type Utterance, utterancesOf } from './messages.ts';

/** What the application was asked, as it was said: a history of several messages, or the one text that the inputs are. */
export function requestUtterances({ inputs }: Pick<ScorableTrace, 'inputs'>): readonly Utterance[] {
  if (isMissing(inputs)) return [];
  return utterancesOf(inputs) ?? [{ kind: 'text', role: 'user', text: onlyText(inputs) ?? textOf(inputs) }];
}

/** The request as a judge reads it; a single message without its role. Empty where the trace has no inputs. */
export function requestItems(trace: Pick<ScorableTrace, 'inputs'>): readonly string[] {
  const utterances = requestUtterances(trace);
  const [only] = utterances;
  if (utterances.length === 1 && only?.kind === 'text') return [only.text];
  return utterances.map(transcriptLine);
}

/** The text of the answer; undefined where there is none. */
export function answerText({ outputs }: Pick<ScorableTrace, 'outputs'>): string | undefined {
  return isMissing(outputs) ? undefined : responseText(outputs);
}

function isMissing(value: JsonValue | undefined): value is undefined | null {
  return value === undefined || value === null;
}
