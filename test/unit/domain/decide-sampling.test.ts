import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideSampling, mayBeSelected, maySessionBeSelected } from '../../../shared/domain/decide-sampling.ts';
import type { ScorerRule } from '../../../shared/domain/rules.ts';
import { samplingCoordinate } from '../../../shared/domain/sampling.ts';
import { decideSession } from '../../../shared/domain/session.ts';
import { aFilterSubject } from '../../support/builders/a-scorable-trace.ts';

/** Its coordinate is 0.347…. */
const traceId = 'tr-0af7651916cd43dd8448eb211c80319c';
const u = 0.3471233801359307;

function aRule(given: Partial<ScorerRule> = {}): ScorerRule {
  return { name: 'safety', version: 3, level: 'trace', sampleRate: 0.5, ...given };
}

function decide(rule: Partial<ScorerRule>, subject = aFilterSubject()) {
  return decideSampling({ traceId, rules: { scorers: [aRule(rule)] }, subject })[0];
}

describe('the sampling decision', () => {
  test('selects below the rate and says version and rate', () => {
    expect(decide({})).toEqual({ kind: 'selected', name: 'safety', version: 3, sampleRate: 0.5 });
  });

  test('leaves out at and above the rate and says the coordinate', () => {
    expect(decide({ sampleRate: u })).toEqual({ kind: 'not-sampled', name: 'safety', u, rate: u });
    expect(decide({ sampleRate: 0.1 })).toEqual({ kind: 'not-sampled', name: 'safety', u, rate: 0.1 });
  });

  test('selects every trace at rate 1', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        const [decision] = decideSampling({
          traceId: id,
          rules: { scorers: [aRule({ sampleRate: 1 })] },
          subject: aFilterSubject(),
        });
        expect(decision?.kind).toBe('selected');
      }),
    );
  });

  test('names the clause of the filter that does not hold, whatever the coordinate', () => {
    const filter = "status = 'OK' AND tags.env = 'prod'";
    expect(decide({ filter })).toEqual({ kind: 'not-matched', name: 'safety', clause: "tags.env = 'prod'" });
    expect(decide({ filter, sampleRate: 0.1 })?.kind).toBe('not-matched');
    expect(decide({ filter }, aFilterSubject({ facts: { tags: { env: 'prod' } } }))?.kind).toBe('selected');
  });

  test.each([
    ['a stopped scorer', { sampleRate: 0 }, { kind: 'stopped', name: 'safety' }],
    [
      'a paused scorer',
      { paused: { reason: 'model gone', since: 1 } },
      { kind: 'paused', name: 'safety', reason: 'model gone' },
    ],
    ['a scorer of sessions', { level: 'session' as const, sampleRate: 1 }, { kind: 'session-level', name: 'safety' }],
  ])('says so of %s', (_what, rule, decision) => {
    expect(decide(rule)).toEqual(decision);
  });

  test('leaves traces of an evaluation run to it, whatever rate and filter, and those only linked to one not', () => {
    const subject = aFilterSubject({ facts: { metadata: { 'mlflow.sourceRun': 'run-1' } } });
    const decision = { kind: 'evaluation-run', name: 'safety', runId: 'run-1' };
    expect(decide({ sampleRate: 1 }, subject)).toEqual(decision);
    expect(decide({ sampleRate: 1, filter: "status = 'OK'" }, subject)).toEqual(decision);
    const linked = aFilterSubject({ facts: { linkedRuns: ['run-1'] } });
    expect(decide({ sampleRate: 1 }, linked)?.kind).toBe('selected');
  });

  test('holds back a scorer whose filter cannot be read, and no other', () => {
    const scorers = [aRule({ name: 'a', filter: 'colour = 1' }), aRule({ name: 'b' })];
    const decisions = decideSampling({ traceId, rules: { scorers }, subject: aFilterSubject() });
    expect(decisions).toEqual([
      {
        kind: 'paused',
        name: 'a',
        reason: expect.stringContaining("its filter cannot be read: Invalid attribute key 'colour'"),
      },
      { kind: 'selected', name: 'b', version: 3, sampleRate: 0.5 },
    ]);
  });

  test('decides every scorer, in the order of the rules', () => {
    const scorers = [
      aRule({ name: 'a', sampleRate: 0.2 }),
      aRule({ name: 'b', sampleRate: 0.4 }),
      aRule({ name: 'c', sampleRate: 0 }),
    ];
    const decisions = decideSampling({ traceId, rules: { scorers }, subject: aFilterSubject() });
    expect(decisions.map(({ kind, name }) => `${name} ${kind}`)).toEqual(['a not-sampled', 'b selected', 'c stopped']);
  });
});

const rate = fc.double({ min: 0, max: 1, noNaN: true });
const ids = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => `tr-${Buffer.from(bytes).toString('hex')}`);

function isSelected(id: string, sampleRate: number): boolean {
  const rules = { scorers: [aRule({ sampleRate })] };
  return decideSampling({ traceId: id, rules, subject: aFilterSubject() })[0]?.kind === 'selected';
}

describe('samples', () => {
  test('nest: what a lower rate selects, every higher rate selects', () => {
    fc.assert(
      fc.property(ids, rate, rate, (id, a, b) => {
        if (isSelected(id, Math.min(a, b))) expect(isSelected(id, Math.max(a, b))).toBe(true);
      }),
    );
  });

  test('of several scorers are decided by one coordinate', () => {
    fc.assert(
      fc.property(ids, fc.array(rate, { maxLength: 20 }), (id, rates) => {
        const scorers = rates.map((sampleRate, i) => aRule({ name: `s${i}`, sampleRate }));
        const decisions = decideSampling({ traceId: id, rules: { scorers }, subject: aFilterSubject() });
        expect(decisions.map(({ kind }) => kind === 'selected')).toEqual(
          rates.map((each) => samplingCoordinate(id) < each),
        );
      }),
    );
  });
});

describe('whether a trace may be selected', () => {
  test('is whether any scorer of traces would select it if its filter matched', () => {
    fc.assert(
      fc.property(ids, fc.array(rate, { maxLength: 20 }), (id, rates) => {
        const scorers = rates.map((sampleRate, i) => aRule({ name: `s${i}`, sampleRate, filter: "name = 'no such'" }));
        expect(mayBeSelected(id, { scorers })).toBe(rates.some((each) => isSelected(id, each)));
      }),
    );
  });

  test.each([
    ['a scorer of sessions', { level: 'session' as const }],
    ['a paused scorer', { paused: { reason: 'model gone', since: 1 } }],
  ])('does not depend on %s', (_what, rule) => {
    expect(mayBeSelected(traceId, { scorers: [aRule({ sampleRate: 1, ...rule })] })).toBe(false);
  });
});

describe('a session that no scorer may select', () => {
  const ofSessions = (rule: Partial<ScorerRule> = {}) => aRule({ level: 'session', ...rule });

  test.each([
    ['no scorer of sessions', [aRule({ sampleRate: 1 })]],
    ['stopped', [ofSessions({ sampleRate: 0 })]],
    ['paused', [ofSessions({ sampleRate: 1, paused: { reason: 'model gone', since: 1 } })]],
    ['above the rate', [ofSessions({ sampleRate: u })]],
  ])('is known by its id: %s', (_what, scorers) => {
    expect(maySessionBeSelected(traceId, { scorers })).toBe(false);
  });

  test('is none where one rate is above its coordinate', () => {
    const scorers = [ofSessions({ sampleRate: 0.1 }), ofSessions({ sampleRate: 0.35 })];
    expect(maySessionBeSelected(traceId, { scorers })).toBe(true);
  });
});

describe('the decision on a session', () => {
  test('is by its own id, about the scorers of sessions, and asks filters about the first trace', () => {
    const scorers = [
      aRule({ name: 'of traces', sampleRate: 1 }),
      aRule({ name: 'all', level: 'session', sampleRate: 1 }),
      aRule({ name: 'few', level: 'session', sampleRate: 0.1 }),
      aRule({ name: 'paid', level: 'session', sampleRate: 1, filter: "tags.plan = 'pro'" }),
      aRule({ name: 'off', level: 'session', sampleRate: 0 }),
    ];
    expect(decideSession({ sessionId: traceId, rules: { scorers }, first: aFilterSubject() })).toEqual([
      { kind: 'selected', name: 'all', version: 3, sampleRate: 1 },
      { kind: 'not-sampled', name: 'few', u, rate: 0.1 },
      { kind: 'not-matched', name: 'paid', clause: "tags.plan = 'pro'" },
      { kind: 'stopped', name: 'off' },
    ]);
  });
});
