import type { SQSEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { createHandler } from '../../../../functions/run-scorers/create-handler.ts';
import type { EvaluationRequest } from '../../../../shared/domain/evaluation.ts';
import { leastToBeginMs } from '../../../../shared/domain/judging/time-limit.ts';
import type { SessionEvaluationRequest } from '../../../../shared/domain/session.ts';
import { traceIdOf } from '../../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../../support/in-memory/in-memory-stack.ts';
import { aVerdict } from '../../../support/judging/a-judge-model.ts';
import { aSessionStack, minute, send, sessionOfStack, turn } from '../../indexing/session-support.ts';

const functionMs = 120_000;

/** Messages that were given back, by position, with the delay of each. */
type GivenBack = Readonly<Record<string, number | undefined>>;

/** Invokes the function on a batch, with so much of its time left. */
async function invoke(
  stack: InMemoryStack,
  requests: readonly ((SessionEvaluationRequest | EvaluationRequest) & { readonly kind: 'session' | 'trace' })[],
  { receives = 1, leftMs = functionMs }: { receives?: number; leftMs?: number } = {},
): Promise<GivenBack> {
  const delays = new Map<string, number>();
  const handler = createHandler({
    ...stack.judging(),
    messages: { delay: async (receipt, ms) => void delays.set(receipt, ms) },
    logger: { error: (_, { error }) => expect.fail(String(error)) },
  });
  const Records = requests.map((request, i) => ({
    messageId: String(i),
    receiptHandle: String(i),
    body: JSON.stringify({ v: 1, ...request }),
    attributes: { ApproximateReceiveCount: String(receives) },
  }));
  const endsAt = stack.nowMs + leftMs;
  const context = { getRemainingTimeInMillis: () => endsAt - stack.nowMs };
  const { batchItemFailures } = await handler({ Records } as SQSEvent, context);
  return Object.fromEntries(batchItemFailures.map(({ itemIdentifier: id }) => [id, delays.get(id)]));
}

describe('of ten quiet sessions, four at once,', () => {
  let stack: InMemoryStack;
  let requests: readonly (SessionEvaluationRequest & { kind: 'session' })[];
  const isJudged = (n: number) => sessionOfStack(stack, `s${n}`)?.outcomes.length === 1;
  const judged = () => Array.from({ length: 10 }, (_, n) => n).filter(isJudged);

  beforeEach(async () => {
    const made = aSessionStack();
    stack = made.stack;
    for (let n = 0; n < 10; n++) send(stack, turn(n, `s${n}`));
    await stack.drain();
    stack.nowMs += 6 * minute;
    await stack.sweep();
    requests = stack.requestedSessions.map((request) => ({ ...request, kind: 'session' }));
    expect(requests).toHaveLength(10);
    stack.model = {
      ...made.model,
      async complete(request) {
        stack.nowMs += 20_000;
        return { ...(await made.model.complete(request)), text: aVerdict('none') };
      },
    };
  });

  it('those that have no turn in time are given back at once, untouched, and judged by the next function', async () => {
    const givenBack = await invoke(stack, requests);
    expect(Object.keys(givenBack)).toHaveLength(6);
    expect(new Set(Object.values(givenBack))).toEqual(new Set([5_000]));
    expect(judged()).toHaveLength(4);
    for (const id of Object.keys(givenBack)) expect(sessionOfStack(stack, `s${id}`)?.decision).toBeUndefined();
    const rest = requests.filter((_, i) => String(i) in givenBack);
    expect(Object.keys(await invoke(stack, rest, { receives: 2 }))).toHaveLength(2);
    expect(judged()).toHaveLength(8);
  });

  it('those that came too often are left to the sweep, never to the dead letters', async () => {
    expect(await invoke(stack, requests, { receives: 6 })).toEqual({});
    expect(judged()).toHaveLength(4);
    const before = stack.requestedSessions.length;
    stack.nowMs += 16 * minute;
    await stack.sweep();
    expect(stack.requestedSessions.length - before).toBe(6);
  });
});

it('a trace that there is no time for is given back before it is leased', async () => {
  const { stack } = aSessionStack({ others: [{ name: 'length', version: 1, level: 'trace', sampleRate: 1 }] });
  send(stack, turn(0));
  await stack.drain();
  const [request] = stack.requested;
  if (request === undefined) throw new Error('no evaluation was requested');
  const entry = stack.index.entries.get(`tr-${traceIdOf(0)}`);
  entry?.outcomes.clear();
  const leftMs = 15_000 + leastToBeginMs;
  expect(await invoke(stack, [{ ...request, kind: 'trace' }], { leftMs: leftMs - 1 })).toEqual({ '0': 5_000 });
  expect(entry?.outcomes.size).toBe(0);
  expect(await invoke(stack, [{ ...request, kind: 'trace' }], { leftMs })).toEqual({});
  expect(entry?.outcomes.size).toBe(1);
});

describe('what the function is invoked with directly', () => {
  const call = (stack: InMemoryStack, event: Record<string, unknown>, sleep = () => new Promise(() => {})) =>
    createHandler({ ...stack.judging(), sleep, logger: { error: (_, { error }) => expect.fail(String(error)) } })(
      event,
      {
        getRemainingTimeInMillis: () => functionMs,
      },
    );

  async function aCall(until: (now: number) => number) {
    const { stack } = aSessionStack({ others: [{ name: 'length', version: 1, level: 'trace', sampleRate: 1 }] });
    send(stack, turn(0));
    await stack.drain();
    const entry = stack.index.entries.get(`tr-${traceIdOf(0)}`);
    entry?.outcomes.clear();
    const requests = stack.requested.map((request) => ({ v: 1, kind: 'trace', ...request }));
    return { stack, entry, event: { v: 1, kind: 'direct', until: until(stack.nowMs), requests } };
  }

  it('is judged and kept', async () => {
    const { stack, entry, event } = await aCall((now) => now + 20_000);
    expect(await call(stack, event)).toEqual({ v: 1, trials: [] });
    expect(entry?.outcomes.size).toBe(1);
  });

  it('is not begun when nobody waits for it any more', async () => {
    const { stack, entry, event } = await aCall((now) => now);
    await call(stack, event);
    expect(entry?.outcomes.size).toBe(0);
    const trial = { ...event, trial: { inline: [] } };
    expect(await call(stack, trial)).toMatchObject({ trials: [{ scorerName: 'length', state: 'not-judged' }] });
  });

  it('is answered in time, whatever hangs', async () => {
    const { stack, event } = await aCall((now) => now + 20_000);
    const slept: number[] = [];
    const sleep = async (ms: number) => void slept.push(ms);
    const index = { ...stack.judging().index, readTrace: () => new Promise<never>(() => {}) };
    const hanging = { ...stack.judging(), index: { ...index, getInfos: async () => new Map() } };
    const handler = createHandler({ ...hanging, sleep, logger: { error: () => {} } });
    const answer = await handler({ ...event, trial: { inline: [] } } as Record<string, unknown>, {
      getRemainingTimeInMillis: () => functionMs,
    });
    expect(answer).toMatchObject({ trials: [{ state: 'not-judged', reason: expect.stringContaining('in time') }] });
    expect(slept).toEqual([20_500]);
  });

  it('is refused where it is no call', async () => {
    const { stack } = await aCall((now) => now);
    await expect(call(stack, { v: 1, kind: 'indirect' })).rejects.toThrow();
  });
});
