import { beforeAll, describe, expect, test } from 'vitest';
import { dynamoDueWork } from '../../../shared/adapters/dynamo-due-work.ts';
import { dynamoDueSessions, dynamoSessionStore } from '../../../shared/adapters/dynamo-session-store.ts';
import { dynamoTraceReader } from '../../../shared/adapters/dynamo-trace-reader.ts';
import { openWorkShards } from '../../../shared/domain/open-work.ts';
import type { DueSessions, SessionActivity, SessionStore } from '../../../shared/domain/ports.ts';
import type { SessionDecision, SessionOutcome } from '../../../shared/domain/session.ts';
import { noon } from '../builders/a-trace-info.ts';
import type { Tables } from '../dynamo-tables.ts';

const [second, minute] = [1_000, 60_000];

/** Sessions that are to be judged once they are quiet. */
export function describeSessions(engine: string, tables: () => Tables): void {
  let store: SessionStore & SessionActivity;
  let due: DueSessions;
  let count = 0;

  beforeAll(() => {
    const { client, traces } = tables();
    store = dynamoSessionStore(client, traces, { retentionDays: 30 });
    due = dynamoDueSessions(client, traces);
  });

  async function aSession(sessionId = `session ${++count}`, lastActivityAt = noon) {
    const session = { experimentId: '7', sessionId };
    await store.note({ ...session, lastActivityAt, dueAt: lastActivityAt + 5 * minute });
    return { ...session, lastActivityAt };
  }

  /** What the sweep requests of this session. */
  async function requested(sessionId: string, now: number) {
    const shards = Array.from({ length: openWorkShards }, (_, shard) => due.listDue(shard, { now, limit: 1_000 }));
    const keys = (await Promise.all(shards)).flat().filter((key) => key === `session#7#${sessionId}`);
    return Promise.all(keys.map((key) => due.postpone(key, { now, dueAt: now + 15 * minute })));
  }

  function aDecision(given: Partial<SessionDecision> = {}): SessionDecision {
    const scorers = [
      { kind: 'selected', name: 'mood', version: 2, sampleRate: 0.5 },
      { kind: 'not-sampled', name: 'rare', u: 0.7, rate: 0.1 },
    ] as const;
    return { conversation: 'c1', firstTraceId: 'tr-1', rulesVersion: 4, decidedAt: noon, scorers, ...given };
  }

  function anOutcome(given: Partial<SessionOutcome> = {}): SessionOutcome {
    const about = { conversation: 'c1', lastActivityAt: noon, traceId: 'tr-1', finishedAt: noon };
    const found = { traces: 3, tracesLeftOut: 0, assessmentIds: ['a-1'] };
    return { scorerName: 'mood', scorerVersion: 2, state: 'done', ...about, ...found, ...given };
  }

  describe(`sessions on ${engine}`, () => {
    test('are requested when they are due, and then only when they are due again', async () => {
      const session = await aSession();
      const { sessionId } = session;
      expect(await requested(sessionId, noon + 5 * minute - 1)).toEqual([]);
      expect(await requested(sessionId, noon + 5 * minute)).toEqual([session]);
      expect(await requested(sessionId, noon + 19 * minute)).toEqual([]);
      expect(await requested(sessionId, noon + 20 * minute)).toEqual([session]);
    });

    test('are no work of the sweep for traces, and no traces', async () => {
      const { sessionId } = await aSession();
      const work = dynamoDueWork(tables().client, tables().traces);
      const shards = Array.from({ length: openWorkShards }, (_, i) => work.listTraces(i, { now: noon * 2, limit: 99 }));
      expect((await Promise.all(shards)).flat()).toEqual([]);
      const reader = dynamoTraceReader(tables().client, tables().traces);
      expect(await reader.readTrace(`session#7#${sessionId}`)).toBeUndefined();
    });

    test('are postponed for one of two who sweep at once', async () => {
      const { sessionId } = await aSession();
      const [first, second] = await Promise.all([1, 2].map(() => requested(sessionId, noon + 6 * minute)));
      expect([...(first ?? []), ...(second ?? [])].filter((request) => request !== undefined)).toHaveLength(1);
    });

    test('are put off by activity, never brought forward by an earlier one', async () => {
      const { sessionId } = await aSession();
      await aSession(sessionId, noon + minute);
      await aSession(sessionId, noon - minute);
      expect(await store.read({ experimentId: '7', sessionId })).toEqual({
        experimentId: '7',
        sessionId,
        lastActivityAt: noon + minute,
        dueAt: noon + 6 * minute,
        outcomes: [],
      });
    });

    test('of which nothing is known are not there', async () => {
      expect(await store.read({ experimentId: '7', sessionId: 'nobody' })).toBeUndefined();
    });

    test('are kept under a name of any length', async () => {
      const session = await aSession('é'.repeat(3_000));
      expect(await store.read(session)).toMatchObject(session);
    });

    test('are leased to one at a time, with the decision', async () => {
      const session = await aSession();
      const lease = { now: noon, leasedUntil: noon + 10 * second };
      const claims = [1, 2].map(() => store.claim(session, { ...lease, decision: aDecision() }));
      expect((await Promise.all(claims)).toSorted()).toEqual([false, true]);
      expect((await store.read(session))?.decision).toEqual(aDecision());
      const later = { now: noon + 10 * second, leasedUntil: noon + 20 * second };
      expect(await store.claim(session, { ...later, decision: aDecision({ conversation: 'c2' }) })).toBe(true);
      expect((await store.read(session))?.decision?.conversation).toBe('c2');
    });

    test('that have been active since are leased to nobody', async () => {
      const session = await aSession();
      await aSession(session.sessionId, noon + minute);
      const lease = { decision: aDecision(), now: noon, leasedUntil: noon + second };
      expect(await store.claim(session, lease)).toBe(false);
    });

    test('are due no more when they are released, and due again when they resume', async () => {
      const session = await aSession();
      await store.claim(session, { decision: aDecision(), now: noon, leasedUntil: noon + minute });
      await store.release(session, {});
      expect((await store.read(session))?.dueAt).toBeUndefined();
      expect(await requested(session.sessionId, noon * 2)).toEqual([]);
      await aSession(session.sessionId, noon + 9 * minute);
      expect(await requested(session.sessionId, noon + 14 * minute)).toHaveLength(1);
      // The lease has ended, too.
      const resumed = { ...session, lastActivityAt: noon + 9 * minute };
      expect(await store.claim(resumed, { decision: aDecision(), now: noon, leasedUntil: noon + 1 })).toBe(true);
    });

    test('are due when whoever releases them wants to try again', async () => {
      const session = await aSession();
      await store.release(session, { dueAt: noon + 30 * minute });
      expect(await requested(session.sessionId, noon + 29 * minute)).toEqual([]);
      expect(await requested(session.sessionId, noon + 30 * minute)).toEqual([session]);
    });

    test('that resume while they are judged stay due, and free', async () => {
      const session = await aSession();
      await store.claim(session, { decision: aDecision(), now: noon, leasedUntil: noon + 99 * minute });
      const resumed = await aSession(session.sessionId, noon + minute);
      await store.release(session, {});
      expect(await requested(session.sessionId, noon + 6 * minute)).toEqual([resumed]);
      expect(await store.claim(resumed, { decision: aDecision(), now: noon, leasedUntil: noon + 1 })).toBe(true);
    });

    test('keep the outcome of each version of a scorer, the latest', async () => {
      const session = await aSession();
      const failed = anOutcome({ scorerVersion: 1, state: 'failed', reason: 'JUDGE_TIMEOUT: late', assessmentIds: [] });
      await store.putOutcomes(session, [anOutcome({ state: 'held', reason: 'down', heldSince: noon }), failed]);
      await store.putOutcomes(session, [anOutcome()]);
      const { outcomes = [] } = (await store.read(session)) ?? {};
      expect(outcomes.toSorted((a, b) => a.scorerVersion - b.scorerVersion)).toEqual([failed, anOutcome()]);
    });
  });
}
