import type { ScorableTrace } from '../../scorable-trace.ts';
import { MessageLog, transcriptLine } from './message-log.ts';
import type { Utterance } from './messages.ts';
import { answerText, requestUtterances } from './root-texts.ts';
import { toolCallLine, toolCalls } from './tools.ts';

/** What one trace added to the conversation. */
export interface Turn {
  readonly items: readonly string[];
  /** Whether the application answered in it. */
  readonly isAnswered: boolean;
}

/**
 * The traces of a session as one conversation. Where a request carries the history so far, only what is new in it counts; where every
 * request is a single message, each counts, though it may say the same as an earlier one.
 */
export function turns(
  traces: readonly ScorableTrace[],
  { withTools = false }: { withTools?: boolean } = {},
): readonly Turn[] {
  const log = new MessageLog();
  return traces.map((trace) => {
    const request = requestUtterances(trace);
    const answer = answersOf(trace);
    const [asked, answered] = carriesHistory(request)
      ? [log.add(request), log.addAnswer(answer, request)]
      : [request.filter((said) => isNews(said, log)), answer.filter((said) => isNews(said, log))];
    const tools = withTools ? toolCalls(trace).map((call) => `tool ${toolCallLine(call)}`) : [];
    return {
      items: [...asked.map(transcriptLine), ...tools, ...answered.map(transcriptLine)],
      isAnswered: answer.length > 0,
    };
  });
}

function answersOf(trace: ScorableTrace): readonly Utterance[] {
  const text = answerText(trace)?.trim();
  return text ? [{ kind: 'text', role: 'assistant', text }] : [];
}

function carriesHistory(request: readonly Utterance[]): boolean {
  return request.some((said) => said.kind !== 'text' || said.role === 'assistant');
}

/** A system prompt that comes with every request was said once. */
function isNews(said: Utterance, log: MessageLog): boolean {
  if (said.kind === 'text' && said.role === 'system') return log.add([said]).length > 0;
  log.addOccurrence(said);
  return true;
}
