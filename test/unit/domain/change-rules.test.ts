import { describe, expect, it } from 'vitest';
import { changeRules, followingVersion, withoutScorer, withSampling } from '../../../shared/domain/change-rules.ts';
import { defaultSettings } from '../../../shared/domain/experiment.ts';
import { maxActiveScorers, type Rules } from '../../../shared/domain/rules.ts';

const none: Rules = { experimentId: '0', version: 4, scorers: [], settings: defaultSettings };

function start(rules: Rules, name: string, sampleRate = 0.5): Rules {
  return withSampling(rules, { name, version: 1, level: 'trace', sampleRate });
}

describe('a change of sampling', () => {
  it('makes the next version and leaves the other scorers alone', () => {
    const rules = start(start(none, 'b'), 'a', 1);
    expect(rules).toMatchObject({
      version: 6,
      scorers: [
        { name: 'a', sampleRate: 1 },
        { name: 'b', sampleRate: 0.5 },
      ],
    });
  });

  it('keeps what it does not name', () => {
    const filtered = withSampling(none, {
      name: 'a',
      version: 1,
      level: 'trace',
      sampleRate: 0.3,
      filter: "status = 'OK'",
    });
    expect(withSampling(filtered, { name: 'a', version: 2, level: 'trace' }).scorers).toEqual([
      { name: 'a', version: 2, level: 'trace', sampleRate: 0.3, filter: "status = 'OK'" },
    ]);
    expect(
      withSampling(filtered, { name: 'a', version: 1, level: 'trace', filter: null }).scorers[0],
    ).not.toHaveProperty('filter');
  });

  it.each([-0.1, 1.1, Number.NaN])('refuses a rate of %d', (rate) => {
    expect(() => start(none, 'a', rate)).toThrow(/between 0.0 and 1.0/);
  });

  it('refuses the 21st active scorer and names those that are', () => {
    const names = Array.from({ length: maxActiveScorers }, (_, i) => `s${i}`);
    const full = names.reduce((rules, name) => start(rules, name), none);
    expect(() => start(full, 'one-more')).toThrow(/s0, s1, .*before starting one-more/);
    expect(start(full, 'one-more', 0).scorers).toHaveLength(21);
    expect(start(start(full, 's3', 0), 'one-more').scorers.filter(({ sampleRate }) => sampleRate > 0)).toHaveLength(20);
  });

  it('takes a scorer out', () => {
    expect(withoutScorer(start(none, 'a'), 'a')).toMatchObject({ version: 6, scorers: [] });
    expect(withoutScorer(none, 'a')).toBe(none);
  });
});

describe('another latest version', () => {
  const rules = start(none, 'a');
  const paused = { reason: 'gone', since: 5 };

  it.each([2, 0])('takes over what is set, whether it is newer or older (%d)', (version) => {
    const next = followingVersion(rules, { name: 'a', version, level: 'session' });
    expect(next).toMatchObject({ version: 6, scorers: [{ name: 'a', version, level: 'session', sampleRate: 0.5 }] });
  });

  it('is paused where it cannot run, and resumed by one that can', () => {
    const held = followingVersion(rules, { name: 'a', version: 2, level: 'trace', paused });
    expect(held.scorers[0]).toMatchObject({ version: 2, sampleRate: 0.5, paused });
    expect(followingVersion(held, { name: 'a', version: 3, level: 'trace' }).scorers[0]).not.toHaveProperty('paused');
  });

  it('changes nothing where it is followed already, or nothing is set of the scorer', () => {
    expect(followingVersion(rules, { name: 'a', version: 1, level: 'trace', paused })).toBe(rules);
    expect(followingVersion(rules, { name: 'b', version: 1, level: 'trace' })).toBe(rules);
  });
});

describe('changing the rules', () => {
  it('builds on what another writer was first with', async () => {
    let current = none;
    let isFirst = true;
    const store = {
      current: async () => current,
      version: async () => undefined,
      replace: async (rules: Rules) => {
        if (isFirst) current = start(current, 'theirs');
        const isNext = rules.version === current.version + 1;
        isFirst = false;
        if (isNext) current = rules;
        return isNext;
      },
    };
    await changeRules(store, '0', (rules) => start(rules, 'ours'));
    expect(current.scorers.map(({ name }) => name)).toEqual(['ours', 'theirs']);
  });
});
