import { rootOf } from '../../facts/derive-trace-facts.ts';
import { compactJson, jsonValue } from '../../json-value.ts';
import type { ScorableSpan, ScorableTrace } from '../../scorable-trace.ts';
import { type Section, textSection } from '../material.ts';
import { MessageLog, transcriptLine } from './message-log.ts';
import { utterancesOf } from './messages.ts';
import { chunkLine, chunksOf } from './retrieval.ts';
import { answerText, requestItems, requestUtterances } from './root-texts.ts';
import { exceptionOf, toolCallLine, toolCallOf, toolOutcome } from './tools.ts';

/**
 * A whole trace as a judge reads it: the request, the answer, and the steps between in the order of time, of which each is told once,
 * however many spans repeat it.
 */
export function traceDigest(trace: ScorableTrace): readonly Section[] {
  const answer = answerText(trace);
  return [
    { title: 'request', items: requestItems(trace) },
    ...(answer === undefined ? [] : [textSection('answer', answer)]),
    { title: 'steps', items: steps(trace) },
  ].filter(({ items }) => items.length > 0);
}

interface Teller {
  readonly log: MessageLog;
  /** Inputs and outputs that are no messages, and were told. */
  readonly told: Set<string>;
}

function steps(trace: ScorableTrace): readonly string[] {
  const teller: Teller = { log: new MessageLog(), told: new Set() };
  const root = rootOf(trace.spans);
  const request = requestUtterances(trace);
  teller.log.add(request);
  const answer = answerText(trace);
  teller.log.addAnswer(answer === undefined ? [] : [{ kind: 'text', role: 'assistant', text: answer }], request);
  if (root?.facts.inputs) teller.told.add(root.facts.inputs.text);
  if (root?.facts.outputs) teller.told.add(root.facts.outputs.text);
  return trace.spans.flatMap((span) => [...told(span, teller), ...trouble(span)]);
}

function told(span: ScorableSpan, teller: Teller): readonly string[] {
  switch (span.facts.type) {
    case 'TOOL':
      return toolStep(span, teller);
    case 'RETRIEVER':
      return retrieverStep(span, teller);
    case 'EMBEDDING':
      return [];
    default:
      return talkStep(span, teller);
  }
}

/** What failed is told where the step itself does not. */
function trouble({ span, facts }: ScorableSpan): readonly string[] {
  if (facts.type === 'TOOL' || span.status.code !== 'ERROR') return [];
  return [`${span.name} failed with ${exceptionOf(span)}`];
}

function toolStep(span: ScorableSpan, { log }: Teller): readonly string[] {
  const call = toolCallOf(span);
  if (call === undefined) return [];
  const isNewCall = log.addOccurrence({ kind: 'call', name: call.name, arguments: call.argumentsText });
  const isNewResult = call.result !== undefined && log.addOccurrence({ kind: 'result', text: call.result });
  if (isNewCall) return [`tool ${toolCallLine(call)}`];
  if (isNewResult || call.failed) return [`tool ${call.name} → ${toolOutcome(call)}`];
  return [];
}

function retrieverStep({ span, facts }: ScorableSpan, { told }: Teller): readonly string[] {
  const found =
    facts.outputs && (chunksOf(jsonValue(facts.outputs.text))?.map(chunkLine).join('\n') ?? facts.outputs.text);
  if (found === undefined || told.has(found)) return [];
  told.add(found);
  const query = facts.inputs === undefined || told.has(facts.inputs.text) ? '' : ` for ${facts.inputs.text}`;
  return [`${span.name} retrieved${query}:\n${found}`];
}

function talkStep({ span, facts }: ScorableSpan, { log, told }: Teller): readonly string[] {
  const history = facts.inputs && utterancesOf(jsonValue(facts.inputs.text));
  const answer = facts.outputs && utterancesOf(jsonValue(facts.outputs.text));
  return [
    ...(history
      ? log.add(history).map(transcriptLine)
      : plain(facts.inputs?.text, { told, label: `${span.name} got` })),
    ...(answer
      ? log.addAnswer(answer, history ?? []).map(transcriptLine)
      : plain(facts.outputs?.text, { told, label: `${span.name} gave` })),
  ];
}

function plain(text: string | undefined, { told, label }: { told: Set<string>; label: string }): readonly string[] {
  if (text === undefined || told.has(text)) return [];
  told.add(text);
  return [`${label}: ${compactJson(text)}`];
}
