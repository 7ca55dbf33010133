import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectJudgements } from '../../../demo/expected-judgements.ts';
import { demoScorers, rootOf } from '../../../demo/scorers.ts';
import type { SentSpans } from '../../../demo/sent-spans.ts';
import { recordSent } from '../../../demo/sent-spans.ts';
import { anApplicationRun, memoryExporter } from './an-application-run.ts';

let run: { sent: SentSpans; ended: number };

beforeAll(async () => {
  run = await anApplicationRun();
});

const tracesOf = (sent: SentSpans) => [...sent.byTrace.values()].map((spans) => spans.map(({ span }) => span));
const operation = (span: ReadableSpan) => String(span.attributes['gen_ai.operation.name']);

describe('the support agent', () => {
  test('sends each turn as one trace: agent, retrieval, chat, and where a tool is needed tool and chat', () => {
    const shapes = tracesOf(run.sent)
      .filter((spans) => rootOf(spans)?.status.code !== 2)
      .map((spans) =>
        spans
          .toSorted((a, b) => compare(a, b))
          .map(operation)
          .join(' '),
      );
    expect(new Set(shapes)).toEqual(
      new Set(['invoke_agent retrieval chat', 'invoke_agent retrieval chat execute_tool chat']),
    );
  });

  test('puts all steps under the root, in the session and with the user that it names', () => {
    for (const spans of tracesOf(run.sent)) {
      const root = rootOf(spans);
      expect(root?.attributes).toMatchObject({
        'gen_ai.conversation.id': expect.stringMatching(/^session-\d{3}$/),
        'user.id': expect.stringMatching(/^customer-\d{3}$/),
      });
      for (const span of spans.filter((span) => span !== root))
        expect(span.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
    }
  });

  test('is told by the model to use a tool, and records what the tool was asked and found', () => {
    const tools = tracesOf(run.sent)
      .flat()
      .filter((span) => operation(span) === 'execute_tool');
    expect(tools.length).toBeGreaterThan(5);
    for (const { attributes, status } of tools) {
      expect(JSON.parse(String(attributes['gen_ai.tool.call.arguments']))).toBeTypeOf('object');
      expect('gen_ai.tool.call.result' in attributes).toBe(status.code !== 2);
    }
  });

  test('sends every span that it ended', () => {
    expect(run.sent.count).toBe(run.ended);
    expect(run.sent.failures).toEqual([]);
  });

  test('has the same traces and the same samples in a second run of the seed, and others with another seed', async () => {
    const ids = (sent: SentSpans) => [...sent.byTrace.keys()].toSorted();
    const expected = ({ sent }: typeof run) =>
      expectJudgements(sent, { scorers: demoScorers }).map(({ selected }) => [...selected].toSorted());
    const [again, other] = await Promise.all([anApplicationRun(), anApplicationRun({ seed: '2' })]);
    expect(ids(again.sent)).toEqual(ids(run.sent));
    expect(expected(again)).toEqual(expected(run));
    expect(ids(other.sent)).not.toEqual(ids(run.sent));
  });
});

test('a batch that is refused counts as a failure, and its spans as not sent', () => {
  const { exporter, sent } = recordSent(memoryExporter(new Error('401 unauthorized')));
  const [span] = tracesOf(run.sent).flat();
  exporter.export(span ? [span] : [], () => {});
  expect(sent.count).toBe(0);
  expect(sent.failures.map(({ message }) => message)).toEqual(['401 unauthorized']);
});

/** By start; the root first where two start at once. */
function compare(a: ReadableSpan, b: ReadableSpan): number {
  const rank = ({ parentSpanContext }: ReadableSpan) => (parentSpanContext ? 1 : 0);
  return rank(a) - rank(b) || a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1];
}
