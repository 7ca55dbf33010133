import type { Attributes } from '../span.ts';
import type { SpanType } from '../span-facts.ts';
import { unquoted } from './attribute-text.ts';

const mlflowTypes: ReadonlySet<string> = new Set<SpanType>([
  'LLM',
  'CHAT_MODEL',
  'CHAIN',
  'AGENT',
  'TOOL',
  'RETRIEVER',
  'EMBEDDING',
  'RERANKER',
  'PARSER',
  'MEMORY',
  'WORKFLOW',
  'TASK',
  'GUARDRAIL',
  'EVALUATOR',
]);

/** OTel's `gen_ai.operation.name`, as MLflow's translator of that dialect maps it. */
const operations: Readonly<Record<string, SpanType>> = {
  chat: 'CHAT_MODEL',
  text_completion: 'LLM',
  generate_content: 'LLM',
  response: 'LLM',
  embeddings: 'EMBEDDING',
  execute_tool: 'TOOL',
  retrieval: 'RETRIEVER',
  invoke_agent: 'AGENT',
  create_agent: 'AGENT',
  invoke_workflow: 'WORKFLOW',
};

const traceloopKinds: Readonly<Record<string, SpanType>> = {
  workflow: 'WORKFLOW',
  task: 'TASK',
  agent: 'AGENT',
  tool: 'TOOL',
};

/** The type that the span's dialect gives it, the most particular dialect first. */
export function spanType(attributes: Attributes): SpanType {
  return (
    known(attributes['mlflow.spanType']) ??
    known(attributes['openinference.span.kind']) ??
    mapped(attributes['gen_ai.operation.name'], operations) ??
    mapped(attributes['traceloop.span.kind'], traceloopKinds) ??
    (attributes['llm.request.type'] === undefined ? 'UNKNOWN' : 'LLM')
  );
}

function known(value: unknown): SpanType | undefined {
  if (typeof value !== 'string') return undefined;
  const name = unquoted(value).toUpperCase();
  return mlflowTypes.has(name) ? (name as SpanType) : undefined;
}

function mapped(value: unknown, table: Readonly<Record<string, SpanType>>): SpanType | undefined {
  return typeof value === 'string' && Object.hasOwn(table, value) ? table[value] : undefined;
}
