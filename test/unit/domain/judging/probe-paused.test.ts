import { describe, expect, it } from 'vitest';
import { afterProbe, decideProbe, type Pause, pauseFor } from '../../../../shared/domain/judging/probe-paused.ts';
import { noon } from '../../../support/builders/a-trace-info.ts';

const minutes = (n: number) => n * 60_000;

describe('a paused scorer', () => {
  it('is tried out after a minute, then after twice as long each time, at last every hour', () => {
    let pause: Pause | undefined = pauseFor('the key was refused', noon);
    let now = noon;
    const waits: number[] = [];
    for (let i = 0; i < 9 && pause; i++) {
      const decision = decideProbe(pause, { now });
      if (decision.kind !== 'wait') expect.fail('it has just been tried');
      waits.push((decision.until - now) / minutes(1));
      now = decision.until;
      expect(decideProbe(pause, { now: now - 1 }).kind).toBe('wait');
      expect(decideProbe(pause, { now }).kind).toBe('probe');
      pause = afterProbe(pause, { kind: 'misconfigured', reason: `still, ${i}` }, now);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(pause).toMatchObject({ since: noon, reason: 'still, 8' });
  });

  it('is tried out at once when a key, a model or a version has been changed since', () => {
    const pause = { ...pauseFor('unknown model', noon), probes: 8 };
    expect(decideProbe(pause, { now: noon + 5, changedAt: noon + 4 }).kind).toBe('probe');
    expect(decideProbe(pause, { now: noon + 5, changedAt: noon - 4 }).kind).toBe('wait');
  });

  it('resumes when it is answered, and waits as long again when nothing could be told', () => {
    const pause = { ...pauseFor('the key was refused', noon), probes: 3 };
    expect(afterProbe(pause, { kind: 'answered' }, noon + minutes(8))).toBeUndefined();
    const later = afterProbe(pause, { kind: 'undecided' }, noon + minutes(8)) as Pause;
    expect(decideProbe(later, { now: noon + minutes(15) })).toEqual({ kind: 'wait', until: noon + minutes(16) });
    const held = afterProbe(pause, { kind: 'undecided', until: noon + minutes(600) }, noon + minutes(8)) as Pause;
    expect(decideProbe(held, { now: noon + minutes(599) }).kind).toBe('wait');
  });
});
