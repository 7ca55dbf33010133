import { isList, isRecord, jsonValue, textOf } from '../../json-value.ts';
import type { ScorableSpan, ScorableTrace } from '../../scorable-trace.ts';
import type { JsonValue } from '../../span.ts';

/** What one retriever found. */
export interface Retrieval {
  readonly spanId: string;
  readonly chunks: readonly Chunk[];
}

export interface Chunk {
  readonly text: string;
  readonly uri?: string;
}

/**
 * What the retrievers of a trace found, in their order. Of retrievers within retrievers only the outer one counts: what it found is what
 * the application got. One whose outputs hold no documents in a form that is known is passed over.
 */
export function retrievals({ spans }: Pick<ScorableTrace, 'spans'>): readonly Retrieval[] {
  const byId = new Map(spans.map((span) => [span.span.spanId, span]));
  return spans
    .filter((span) => span.facts.type === 'RETRIEVER' && !isWithinRetriever(span, byId))
    .flatMap(({ span, facts }) => {
      const chunks = facts.outputs && chunksOf(jsonValue(facts.outputs.text));
      return chunks ? [{ spanId: span.spanId, chunks }] : [];
    });
}

function isWithinRetriever(span: ScorableSpan, byId: ReadonlyMap<string, ScorableSpan>): boolean {
  const visited = new Set<string>();
  for (let id = span.span.parentSpanId; id !== undefined && !visited.has(id); ) {
    visited.add(id);
    const parent = byId.get(id);
    if (parent?.facts.type === 'RETRIEVER') return true;
    id = parent?.span.parentSpanId;
  }
  return false;
}

export function chunksOf(value: JsonValue): readonly Chunk[] | undefined {
  if (isList(value)) return value.flatMap((chunk) => chunkOf(chunk) ?? []);
  if (!isRecord(value)) return undefined;
  const list = value.documents ?? value.results ?? value.matches ?? value.nodes ?? value.context;
  return isList(list) ? chunksOf(list) : undefined;
}

const textKeys = ['page_content', 'content', 'text'] as const;

function chunkOf(chunk: JsonValue): Chunk | undefined {
  if (typeof chunk === 'string') return { text: chunk };
  if (!isRecord(chunk)) return undefined;
  const inner = isRecord(chunk.document) ? chunk.document : isRecord(chunk.node) ? chunk.node : chunk;
  const key = textKeys.find((name) => inner[name] !== undefined && inner[name] !== null);
  // A document without a text in a known place is shown as it is.
  const text = key === undefined ? JSON.stringify(chunk) : textOf(inner[key] as JsonValue);
  const metadata = isRecord(inner.metadata) ? inner.metadata : {};
  return { text, ...(typeof metadata.doc_uri === 'string' && { uri: metadata.doc_uri }) };
}

/** As a judge reads it. */
export function chunkLine({ text, uri }: Chunk, index: number): string {
  return `[${index + 1}]${uri === undefined ? '' : ` (${uri})`} ${text}`;
}
