import { own, sessionKey, sessionOf, userKey, userOf } from '../facts/who.ts';
import type { TraceFacts } from '../trace.ts';
import type { FilterSubject } from './subject.ts';

type Subject = Pick<FilterSubject, 'traceId' | 'facts'>;
type TextOf = (subject: Subject) => string | undefined;
type NumberOf = (subject: Subject) => number | undefined;

const texts: Readonly<Record<string, TextOf>> = {
  request_id: ({ traceId }) => traceId,
  status: ({ facts }) => facts.state,
  client_request_id: ({ facts }) => facts.clientRequestId,
  session: ({ facts }) => sessionOf(facts),
  user: ({ facts }) => userOf(facts),
};

const numbers: Readonly<Record<string, NumberOf>> = {
  timestamp_ms: ({ facts }) => facts.requestTime,
  execution_time_ms: ({ facts }) => durationOf(facts),
  end_time_ms: ({ facts }) => facts.requestTime + facts.durationMs,
  input_tokens: ({ facts }) => facts.tokens?.inputTokens,
  output_tokens: ({ facts }) => facts.tokens?.outputTokens,
  total_tokens: ({ facts }) => facts.tokens?.totalTokens,
  input_cost: ({ facts }) => facts.cost?.inputCost,
  output_cost: ({ facts }) => facts.cost?.outputCost,
  total_cost: ({ facts }) => facts.cost?.totalCost,
  span_count: ({ facts }) => facts.spanCount,
  error_count: ({ facts }) => facts.errorCount,
  tool_call_count: ({ facts }) => facts.toolCallCount,
  tool_error_count: ({ facts }) => facts.toolErrorCount,
};

export function traceText(key: string): TextOf | undefined {
  return texts[key];
}

export function traceNumber(key: string): NumberOf | undefined {
  return numbers[key];
}

/** The tag of that key; the name, session and user of a trace are found whichever way it was sent. */
export function tagOf(key: string): TextOf {
  if (key === 'mlflow.traceName') return ({ facts }) => own(facts.tags, key) ?? facts.name;
  // MLflow takes `tags.name` for the name of the trace; a tag that is really called so comes first.
  if (key === 'name') return ({ facts }) => own(facts.tags, key) ?? own(facts.tags, 'mlflow.traceName') ?? facts.name;
  return keyed(key, ({ facts }) => own(facts.tags, key));
}

/** The metadata of that key, with the same exceptions; what Assay counts itself is there as MLflow shows it, as JSON. */
export function metadataOf(key: string): TextOf {
  const counted = Object.hasOwn(countedMetadata, key) ? countedMetadata[key] : undefined;
  // As with `tags.name`: what is really called so comes first.
  if (key === 'run_id') return ({ facts }) => own(facts.metadata, key) ?? own(facts.metadata, 'mlflow.sourceRun');
  if (counted) return ({ facts }) => counted(facts) ?? own(facts.metadata, key);
  return keyed(key, ({ facts }) => own(facts.metadata, key));
}

const countedMetadata: Readonly<Record<string, (facts: TraceFacts) => string | undefined>> = {
  'mlflow.trace.tokenUsage': ({ tokens }) => tokens && snakeCaseJson(tokens),
  'mlflow.trace.cost': ({ cost }) => cost && snakeCaseJson(cost),
};

function snakeCaseJson(numbers: object): string {
  const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return JSON.stringify(Object.fromEntries(Object.entries(numbers).map(([name, value]) => [snakeCase(name), value])));
}

/** Of a trace of which nothing has ended yet it is not known. */
export function durationOf({ state, durationMs }: TraceFacts): number | undefined {
  return state === 'IN_PROGRESS' && durationMs === 0 ? undefined : durationMs;
}

/** What was said under that very name; else, of session and user, what was said under another. */
function keyed(key: string, said: TextOf): TextOf {
  if (key === sessionKey) return (subject) => said(subject) ?? sessionOf(subject.facts);
  if (key === userKey) return (subject) => said(subject) ?? userOf(subject.facts);
  return said;
}
