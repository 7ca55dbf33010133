import { describe, expect, it } from 'vitest';
import { evaluateSession } from '../../../shared/domain/evaluating/evaluate-session.ts';
import { JudgeMisconfiguredError, JudgeUnavailableError } from '../../../shared/domain/judging/judge-model.ts';
import { samplingCoordinate } from '../../../shared/domain/sampling.ts';
import { dyingAt, dyingOften, type Fate } from '../../support/dying-process.ts';
import { aVerdict, sectionsIn, textOfRequest } from '../../support/judging/a-judge-model.ts';
import { aSessionStack, assessmentsOf, minute, send, sessionOfStack, turn, wait } from './session-support.ts';
import { aRule, idOf } from './support.ts';

describe('a conversation that has been quiet', () => {
  it('is judged once, as a whole, on its first trace', async () => {
    const { stack, model } = aSessionStack({ script: [aVerdict('resolved', 'it was put right')] });
    send(stack, turn(0));
    await wait(stack, 2);
    send(stack, turn(1));
    await wait(stack, 4);
    expect(model.requests).toEqual([]);
    await wait(stack, 20);
    expect(model.requests).toHaveLength(1);
    const [request] = model.requests;
    const said = sectionsIn(request ? textOfRequest(request) : '').get('conversation');
    expect(said).toMatch(/question 0[\s\S]*answer 0[\s\S]*question 1[\s\S]*answer 1/);
    expect(assessmentsOf(stack, 0)).toMatchObject([
      {
        name: 'mood',
        value: 'resolved',
        rationale: 'it was put right',
        source: { type: 'LLM_JUDGE', id: 'test:/judge' },
        metadata: {
          'mlflow.trace.session': 's',
          'mlflow.assessment.onlineScoringSessionId': 's',
          'mlflow.assessment.scorerName': 'mood',
          'assay.model': 'test:/judge',
        },
        scorer: { name: 'mood', version: 1, sampleRate: 1 },
      },
    ]);
    expect(assessmentsOf(stack, 1)).toEqual([]);
    expect(stack.archived.assessments).toHaveLength(1);
    expect(sessionOfStack(stack)).toMatchObject({
      decision: { rulesVersion: 3, firstTraceId: idOf(0), scorers: [{ kind: 'selected', name: 'mood' }] },
      outcomes: [{ scorerName: 'mood', state: 'done', traceId: idOf(0), traces: 2, tracesLeftOut: 0 }],
    });
    expect(sessionOfStack(stack)?.dueAt).toBeUndefined();
    expect(stack.noted).toMatchObject([{ scorer: 'mood', outcome: { kind: 'judged' }, tokens: 120 }]);
    // The sweep comes within the minute in which the session has been quiet.
    expect(stack.noted[0]?.secondsToAssessment).toBeLessThanOrEqual(60);
  });

  it('is judged after the idle time of its experiment', async () => {
    const { stack, model } = aSessionStack({ settings: { sessionIdleMinutes: 30 } });
    send(stack, turn(0));
    await wait(stack, 29);
    expect(model.requests).toHaveLength(0);
    await wait(stack, 2);
    expect(model.requests).toHaveLength(1);
  });

  it('is judged again when it has resumed, and the new assessment takes the place of the old', async () => {
    const { stack, model } = aSessionStack({ script: [aVerdict('unresolved'), aVerdict('resolved')] });
    send(stack, turn(0));
    await wait(stack, 10);
    const [first] = assessmentsOf(stack, 0);
    send(stack, turn(1));
    await wait(stack, 10);
    expect(model.requests).toHaveLength(2);
    expect(assessmentsOf(stack, 0)).toMatchObject([{ assessmentId: first?.assessmentId, value: 'resolved' }]);
    expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ state: 'done', traces: 2 }]);
  });

  it('is not judged again by what changes nothing in it', async () => {
    const { stack, model } = aSessionStack();
    send(stack, turn(0), turn(1));
    await wait(stack, 10);
    send(stack, turn(0));
    await stack.tag(idOf(1), 'reviewed', 'yes');
    await wait(stack, 10);
    expect(model.requests).toHaveLength(1);
    expect(sessionOfStack(stack)?.dueAt).toBeUndefined();
  });

  it('is judged again by spans that come late where the experiment wants that', async () => {
    for (const rejudgeLateSpans of [false, true]) {
      const { stack, model } = aSessionStack({ settings: { rejudgeLateSpans } });
      const root = turn(0);
      send(stack, root);
      await wait(stack, 10);
      send(stack, { ...root, spanId: '00000000000000ff', parentSpanId: root.spanId, name: 'late' });
      await wait(stack, 10);
      expect(model.requests).toHaveLength(rejudgeLateSpans ? 2 : 1);
    }
  });

  it('is judged again when a trace is said to be of it afterwards', async () => {
    const { stack, model } = aSessionStack();
    send(stack, turn(0), turn(1, ''));
    await wait(stack, 10);
    await stack.tag(idOf(1), 'mlflow.trace.session', 's');
    await wait(stack, 10);
    expect(model.requests).toHaveLength(2);
    expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ traces: 2 }]);
  });

  it('waits for the traces that are not whole, and is judged with them when they are', async () => {
    const { stack } = aSessionStack();
    const { end: _, ...open } = turn(1);
    send(stack, turn(0), open);
    await wait(stack, 8);
    expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ traces: 1 }]);
    await wait(stack, 20);
    expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ traces: 2 }]);
  });

  it('of 500 turns is judged', async () => {
    const { stack, model } = aSessionStack();
    send(stack, ...Array.from({ length: 500 }, (_, n) => turn(n)));
    await wait(stack, 7);
    expect(model.requests).toHaveLength(1);
    expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ traces: 500, tracesLeftOut: 0 }]);
  });

  it('that never ends is judged by its first and its newest traces', async () => {
    const { stack } = aSessionStack();
    for (let n = 0; n < 1_200; n += 400) send(stack, ...Array.from({ length: 400 }, (_, i) => turn(n + i)));
    await wait(stack, 7);
    expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ traces: 1_000, traceId: idOf(0) }]);
    expect(assessmentsOf(stack, 0)).toMatchObject([{ metadata: { 'assay.olderTracesLeftOut': 'true' } }]);
  }, 30_000);
});

describe('a session', () => {
  it('costs nothing where no active scorer of sessions may select it', async () => {
    const rate = samplingCoordinate('s');
    for (const rule of [
      { level: 'trace' },
      { sampleRate: rate },
      { sampleRate: 0 },
      { paused: { reason: 'x', since: 0 } },
    ] as const) {
      const { stack } = aSessionStack({ rule });
      send(stack, turn(0), turn(1));
      await wait(stack, 10);
      expect(stack.sessions.notes).toBe(0);
    }
  });

  it('is noted once for all its traces of a batch', async () => {
    const { stack } = aSessionStack();
    stack.rules = { ...stack.rules, scorers: stack.rules.scorers.map((rule) => ({ ...rule, sampleRate: 1 })) };
    send(stack, ...Array.from({ length: 50 }, (_, n) => turn(n)));
    await stack.drain();
    expect(stack.sessions.notes).toBe(1);
  });

  it('is left alone where its traces were made by evaluation runs', async () => {
    const { stack, model } = aSessionStack();
    await stack.start(idOf(0), { metadata: { 'mlflow.sourceRun': 'r', 'mlflow.trace.session': 's' } });
    send(stack, turn(0), turn(1));
    await wait(stack, 10);
    expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ traces: 1, traceId: idOf(1) }]);
    expect(model.requests).toHaveLength(1);
  });

  it('is selected by its first trace', async () => {
    const { stack, model } = aSessionStack({ rule: { filter: "metadata.plan = 'pro'" } });
    await stack.start(idOf(1), { metadata: { plan: 'pro', 'mlflow.trace.session': 's' } });
    await stack.start(idOf(3), { metadata: { plan: 'pro', 'mlflow.trace.session': 'other' } });
    send(stack, turn(0), turn(1), turn(3, 'other'), turn(4, 'other'));
    await wait(stack, 30);
    expect(model.requests).toHaveLength(1);
    expect(sessionOfStack(stack, 's')).toMatchObject({
      decision: { scorers: [{ kind: 'not-matched', name: 'mood', clause: expect.stringContaining('plan') }] },
      outcomes: [],
    });
    expect(sessionOfStack(stack, 'other')?.outcomes).toMatchObject([{ state: 'done', traces: 2 }]);
    expect(sessionOfStack(stack, 's')?.dueAt).toBeUndefined();
  });

  it('that resumes before its evaluation is judged when it is quiet again', async () => {
    const { stack, model } = aSessionStack();
    send(stack, turn(0));
    await stack.drain();
    stack.nowMs += 6 * minute;
    await stack.sweep();
    const waiting = stack.requestedSessions.length;
    await stack.sessions.note({
      experimentId: '0',
      sessionId: 's',
      lastActivityAt: stack.nowMs,
      dueAt: stack.nowMs + 5 * minute,
    });
    await stack.drain();
    expect([waiting, model.requests.length]).toEqual([1, 0]);
    await wait(stack, 6);
    expect(model.requests).toHaveLength(1);
  });

  it('is paid once when its message is delivered to two functions at once', async () => {
    const { stack, model } = aSessionStack();
    send(stack, turn(0));
    await stack.drain();
    stack.nowMs += 6 * minute;
    await stack.sweep();
    const [request] = stack.requestedSessions;
    if (!request) throw new Error('nothing was requested');
    await Promise.all([evaluateSession(request, stack.judging()), evaluateSession(request, stack.judging())]);
    expect(model.requests).toHaveLength(1);
    expect(assessmentsOf(stack, 0)).toHaveLength(1);
  });

  it('is not paid again by who was overtaken between reading and claiming', async () => {
    const { stack, model } = aSessionStack();
    send(stack, turn(0));
    await stack.drain();
    stack.nowMs += 6 * minute;
    await stack.sweep();
    const [request] = stack.requestedSessions;
    if (!request) throw new Error('nothing was requested');
    const deps = stack.judging();
    const { sessions } = deps;
    const claim = async (...args: Parameters<typeof sessions.claim>) => {
      await evaluateSession(request, stack.judging());
      return sessions.claim(...args);
    };
    const overtaken = { claim, read: sessions.read, putOutcomes: sessions.putOutcomes, release: sessions.release };
    await evaluateSession(request, { ...deps, sessions: overtaken });
    expect(model.requests).toHaveLength(1);
  });

  it('has only the assessment of the newest version that judged it', async () => {
    const { stack } = aSessionStack({ script: [aVerdict('unresolved'), aVerdict('resolved')] });
    send(stack, turn(0));
    await wait(stack, 10);
    const [old] = assessmentsOf(stack, 0);
    const versions = stack.scorers.map((scorer) => ({ ...scorer, version: 2 }));
    Object.assign(stack, { scorers: versions });
    stack.rules = { ...stack.rules, version: 4, scorers: [aRule({ name: 'mood', level: 'session', version: 2 })] };
    send(stack, turn(1));
    await wait(stack, 10);
    expect(assessmentsOf(stack, 0)).toMatchObject([{ value: 'resolved', scorer: { version: 2 } }]);
    const { assessmentId } = old ?? {};
    const archived = stack.archived.assessments.filter((one) => one.assessmentId === assessmentId);
    expect(archived.map(({ valid }) => valid)).toEqual([true, false]);
  });

  it('takes its assessment along when an earlier trace is said to be of it', async () => {
    const { stack } = aSessionStack();
    send(stack, turn(0, ''), turn(1));
    await wait(stack, 10);
    expect(assessmentsOf(stack, 1)).toHaveLength(1);
    await stack.tag(idOf(0), 'mlflow.trace.session', 's');
    await wait(stack, 10);
    expect([assessmentsOf(stack, 0).length, assessmentsOf(stack, 1).length]).toEqual([1, 0]);
  });
});

describe('a model that may not be asked', () => {
  it('pauses the scorer of sessions, which resumes once it answers', async () => {
    let isForbidden = true;
    const forbidden = new JudgeMisconfiguredError('the key is wrong', { reason: 'credentials' });
    const { stack } = aSessionStack({ script: () => (isForbidden ? forbidden : aVerdict('none')) });
    send(stack, turn(0));
    await wait(stack, 10);
    expect(stack.rules.scorers).toMatchObject([{ name: 'mood', paused: { reason: 'the key is wrong', by: 'judge' } }]);
    expect(assessmentsOf(stack, 0)).toEqual([]);
    isForbidden = false;
    await wait(stack, 61);
    expect(stack.rules.scorers[0]?.paused).toBeUndefined();
    expect(assessmentsOf(stack, 0)).toMatchObject([{ value: 'none' }]);
  });
});

it('a session that has tried a paused scorer goes on to do so when it has resumed', async () => {
  let isForbidden = true;
  const forbidden = new JudgeMisconfiguredError('the key is wrong', { reason: 'credentials' });
  const { stack } = aSessionStack({ script: () => (isForbidden ? forbidden : aVerdict('none')) });
  send(stack, turn(0));
  await wait(stack, 10);
  send(stack, turn(1));
  isForbidden = false;
  await wait(stack, 70);
  expect(stack.rules.scorers[0]?.paused).toBeUndefined();
  expect(assessmentsOf(stack, 0)).toMatchObject([{ value: 'none' }]);
  expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ state: 'done', traces: 2 }]);
});

describe('a model that cannot be asked', () => {
  const down = new JudgeUnavailableError('throttled', { reason: 'throttled' });

  it('holds the session, without a score or an error, until it answers', async () => {
    let isDown = true;
    const { stack, model } = aSessionStack({ script: () => (isDown ? down : aVerdict('none')) });
    send(stack, turn(0));
    await wait(stack, 24 * 60);
    expect(assessmentsOf(stack, 0)).toEqual([]);
    expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ state: 'held', reason: 'throttled' }]);
    // A growing wait: 24 hours are neither given up nor hammered.
    expect(model.requests.length).toBeGreaterThan(20);
    expect(model.requests.length).toBeLessThan(110);
    isDown = false;
    await wait(stack, 61);
    expect(assessmentsOf(stack, 0)).toMatchObject([{ value: 'none' }]);
    expect(sessionOfStack(stack)).toMatchObject({ outcomes: [{ state: 'done' }] });
    expect(sessionOfStack(stack)?.dueAt).toBeUndefined();
  }, 30_000);

  it('leaves what was found before the session resumed', async () => {
    const script = [aVerdict('unresolved'), down];
    const { stack } = aSessionStack({ script });
    send(stack, turn(0));
    await wait(stack, 10);
    send(stack, turn(1));
    await wait(stack, 10);
    expect(assessmentsOf(stack, 0)).toMatchObject([{ value: 'unresolved' }]);
    expect(sessionOfStack(stack)?.outcomes).toMatchObject([{ state: 'held' }]);
  });
});

describe('the final state of sessions', () => {
  /** A conversation that resumes once it was judged, and one whose session is said by its client alone. */
  async function run(options: { fate?: Fate; twice?: boolean }) {
    const { stack, model } = aSessionStack({ others: [aRule({ name: 'length' })] });
    send(stack, turn(0), turn(1));
    send(stack, turn(5, ''));
    await stack.start(idOf(5), { metadata: { 'mlflow.trace.session': 'other' } });
    await wait(stack, 10, options);
    send(stack, turn(2));
    await wait(stack, 40, options);
    await wait(stack, 40);
    const found = [0, 1, 2, 5].map((n) =>
      assessmentsOf(stack, n).map(({ assessmentId, value }) => [assessmentId, value]),
    );
    const sessions = ['s', 'other'].map((id) => {
      const { dueAt, decision, outcomes } = sessionOfStack(stack, id) ?? {};
      return {
        dueAt,
        conversation: decision?.conversation,
        outcomes: outcomes?.map(({ state, traces }) => [state, traces]),
      };
    });
    const same = Map.groupBy(model.requests, textOfRequest);
    const repeated = Math.max(...[...same.values()].map((requests) => requests.length)) - 1;
    return { state: { found, sessions }, asked: model.requests.length, repeated };
  }

  it('is the same when every message is delivered twice, and each conversation is paid once', async () => {
    const [once, twice] = [await run({}), await run({ twice: true })];
    expect(once.state.found.map((one) => one.length)).toEqual([2, 1, 1, 2]);
    expect(once.asked).toBe(3);
    expect(twice).toEqual(once);
  });

  it.each(['before', 'after'] as const)(
    'is the same wherever a process dies, just %s a call',
    async (when) => {
      let calls = 0;
      const expected = await run({
        fate: () => {
          calls++;
          return undefined;
        },
      });
      expect(calls).toBeGreaterThan(60);
      for (let deadly = 1; deadly <= calls; deadly++) {
        const { state, repeated } = await run({ fate: dyingAt(deadly, when) });
        expect(state, `death ${when} call ${deadly} of ${calls}`).toEqual(expected.state);
        // A crash after the model has answered costs one repeated call a conversation at most.
        expect(repeated).toBeLessThanOrEqual(1);
      }
    },
    60_000,
  );

  it('is the same when processes die again and again', async () => {
    const expected = await run({});
    for (const seed of [1, 2, 3]) {
      const fate = dyingOften(seed);
      expect((await run({ fate })).state, `seed ${seed}`).toEqual(expected.state);
    }
  });
});
