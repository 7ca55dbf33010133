import { utterancesOf } from '../judging/reading/messages.ts';
import type { ScorableSpan } from '../scorable-trace.ts';
import type { JsonValue } from '../span.ts';
import type { SpanText } from '../span-facts.ts';
import type { TraceFacts } from '../trace.ts';
import { keys } from './attribute-keys.ts';
import { firstString, parseJson, plainText, unquoted } from './attribute-text.ts';
import { countedUsage } from './counted-usage.ts';

/** Bytes of UTF-8 that a preview holds: with two of them the index item stays within two write units. */
const previewBytes = 300;
const tagPrefix = 'mlflow.traceTag.';

/** Bounds of what a sender can put into the index item, which holds 400 KB; the spans keep it all. MLflow's are 250 and 4,096 too. */
const maxTextLength = 4_096;
const maxKeyLength = 250;
const maxTags = 50;
const maxModels = 50;

/** Everything derived about a trace. A pure function of the set of its spans: their order does not matter. */
export function deriveTraceFacts(unordered: readonly ScorableSpan[]): TraceFacts {
  const spans = unordered.toSorted(byStart);
  const root = rootOf(spans);
  const hasEnded = root !== undefined && root.span.parentSpanId === undefined && root.span.endTimeUnixNano > 0n;
  const tools = spans.flatMap(({ facts }) => facts.tool ?? []);
  const serviceName = firstString(root?.span.resource.attributes ?? {}, ['service.name']);
  return defined({
    ...times(spans),
    state: hasEnded ? (root.span.status.code === 'ERROR' ? 'ERROR' : 'OK') : 'IN_PROGRESS',
    name: bounded(root?.span.name),
    requestPreview: preview(traceInputs(spans, root)),
    responsePreview: preview(traceOutputs(spans, root)),
    clientRequestId: bounded(
      fromRootFirst(spans, root, ({ span }) => firstString(span.attributes, keys.clientRequest)),
    ),
    sessionId: bounded(fromRootFirst(spans, root, ({ facts }) => facts.sessionId)),
    userId: bounded(fromRootFirst(spans, root, ({ facts }) => facts.userId)),
    tags: traceTags(root),
    metadata: serviceName === undefined ? {} : { 'service.name': serviceName.slice(0, maxTextLength) },
    ...countedUsage(spans),
    models: [...new Set(spans.flatMap(({ facts }) => facts.model?.slice(0, maxKeyLength) ?? []))].slice(0, maxModels),
    spanCount: spans.length,
    errorCount: spans.filter(({ span }) => span.status.code === 'ERROR').length,
    toolCallCount: tools.length,
    toolErrorCount: tools.filter(({ failed }) => failed).length,
    complete: hasEnded,
  });
}

/** Spans that began at once stand by their ids: the order in which they came must not matter. */
export function byStart(a: ScorableSpan, b: ScorableSpan): number {
  const [x, y] = [a.span.startTimeUnixNano, b.span.startTimeUnixNano];
  return x < y ? -1 : x > y ? 1 : a.span.spanId < b.span.spanId ? -1 : 1;
}

/**
 * The span without parent; of several the earliest that has ended. Where all have a parent, because the caller of the traced
 * application is traced elsewhere, the earliest whose parent is not here.
 */
export function rootOf(spans: readonly ScorableSpan[]): ScorableSpan | undefined {
  const roots = spans.filter(({ span }) => span.parentSpanId === undefined);
  if (roots.length > 0) return roots.find(({ span }) => span.endTimeUnixNano > 0n) ?? roots[0];
  const ids = new Set(spans.map(({ span }) => span.spanId));
  return spans.find(({ span }) => !ids.has(span.parentSpanId as string)) ?? spans[0];
}

function times(spans: readonly ScorableSpan[]): { requestTime: number; durationMs: number } {
  let [start, end] = [spans[0]?.span.startTimeUnixNano ?? 0n, 0n];
  for (const { span } of spans) {
    if (span.startTimeUnixNano < start) start = span.startTimeUnixNano;
    if (span.endTimeUnixNano > end) end = span.endTimeUnixNano;
  }
  return { requestTime: Number(start / 1_000_000n), durationMs: end > start ? Number((end - start) / 1_000_000n) : 0 };
}

/** What went into the trace: the root's inputs, else those of the first span that has some and is no tool or retriever. */
export function traceInputs(spans: readonly ScorableSpan[], root: ScorableSpan | undefined): SpanText | undefined {
  if (root?.facts.inputs) return root.facts.inputs;
  return spans.find((span) => span.facts.inputs !== undefined && isTalking(span))?.facts.inputs;
}

/**
 * What came out: the root's outputs, else those of the span that ended last, said something and is no tool or retriever: neither what
 * a tool found nor the wish to call one is what the application answered, and a trace that failed before it answered has no answer to judge.
 */
export function traceOutputs(spans: readonly ScorableSpan[], root: ScorableSpan | undefined): SpanText | undefined {
  if (root?.facts.outputs) return root.facts.outputs;
  const having = spans.filter((span) => span.facts.outputs !== undefined && isTalking(span));
  return having.toSorted(byEnd).findLast((span) => !onlyCallsTools(span))?.facts.outputs;
}

function onlyCallsTools({ facts: { outputs } }: ScorableSpan): boolean {
  const said = utterancesOf(parseJson(outputs?.text ?? '') as JsonValue | undefined) ?? [];
  return said.length > 0 && said.every(({ kind }) => kind === 'call');
}

function byEnd(a: ScorableSpan, b: ScorableSpan): number {
  const [x, y] = [a.span.endTimeUnixNano, b.span.endTimeUnixNano];
  return x < y ? -1 : x > y ? 1 : byStart(a, b);
}

function isTalking({ facts }: ScorableSpan): boolean {
  return facts.type !== 'TOOL' && facts.type !== 'RETRIEVER' && facts.type !== 'EMBEDDING' && facts.type !== 'RERANKER';
}

function fromRootFirst(
  spans: readonly ScorableSpan[],
  root: ScorableSpan | undefined,
  read: (span: ScorableSpan) => string | undefined,
): string | undefined {
  const own = root && read(root);
  if (own !== undefined) return own;
  for (const span of spans) {
    const value = read(span);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Tags that MLflow's client sets on the root span. */
function traceTags(root: ScorableSpan | undefined): Record<string, string> {
  const { attributes = {} } = root?.span ?? {};
  const names = Object.keys(attributes).filter((key) => key.startsWith(tagPrefix));
  return Object.fromEntries(
    names.slice(0, maxTags).map((name) => {
      const value = unquoted(plainText(attributes[name] ?? null));
      return [name.slice(tagPrefix.length, tagPrefix.length + maxKeyLength), value.slice(0, maxTextLength)];
    }),
  );
}

function bounded(text: string | undefined): string | undefined {
  return text?.slice(0, maxTextLength);
}

/** The first bytes of a text, cut between characters, without NUL, which not every reader takes. */
function preview(text: SpanText | undefined): string | undefined {
  if (text === undefined) return undefined;
  const head = Buffer.from(
    text.text
      .slice(0, previewBytes)
      .replaceAll('\0', '')
      .replace(/[\ud800-\udbff]$/, ''),
  );
  if (head.length <= previewBytes) return head.toString();
  let end = previewBytes;
  // 10xxxxxx continues a character.
  while (end > 0 && ((head[end] as number) & 0xc0) === 0x80) end--;
  return head.toString('utf8', 0, end);
}

function defined<T extends object>(facts: T): TraceFacts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as unknown as TraceFacts;
}
