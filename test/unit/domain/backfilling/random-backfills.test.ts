import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  cancelBackfill,
  pauseBackfill,
  resumeBackfill,
} from '../../../../shared/domain/backfilling/change-backfill.ts';
import { samplingCoordinate } from '../../../../shared/domain/sampling.ts';
import type { Fate } from '../../../support/dying-process.ts';
import type { InMemoryStack } from '../../../support/in-memory/in-memory-stack.ts';
import { idOf } from '../../indexing/support.ts';
import {
  addsUp,
  aJudgedStack,
  anExecution,
  everything,
  hour,
  judgedBy,
  minute,
  passing,
  sendTalk,
  totalOf,
} from './support.ts';

const ref = { experimentId: '0', backfillId: 'b1' };

/** What happens at a moment: between two slices that are asked for, or between two rounds. */
type Event = 'nothing' | 'pause' | 'cancel' | 'outage' | 'arrival' | 'deletion' | 'redrive' | 'lost messages';

interface History {
  readonly traces: number;
  readonly live: number;
  readonly sampleRate: number;
  readonly filter: string;
  readonly mode: 'missing' | 'all';
  readonly sliceSize: number;
  /** Processes that are killed, at one of twenty calls to the outside: fewer than make a message a dead letter. */
  readonly deaths: number;
  readonly seed: number;
  readonly twice: boolean;
  readonly events: readonly Event[];
}

const rate = fc.integer({ min: 0, max: 10 }).map((n) => n / 10);
const histories: fc.Arbitrary<History> = fc.record({
  traces: fc.integer({ min: 1, max: 12 }),
  live: rate,
  sampleRate: rate,
  filter: fc.constantFrom('', "trace.name = 'chat'"),
  mode: fc.constantFrom('missing', 'all'),
  sliceSize: fc.integer({ min: 1, max: 5 }),
  deaths: fc.integer({ min: 0, max: 4 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  twice: fc.boolean(),
  events: fc.array(
    fc.constantFrom<Event>('nothing', 'pause', 'cancel', 'outage', 'arrival', 'deletion', 'redrive', 'lost messages'),
    { minLength: 2, maxLength: 8 },
  ),
});

/** Deaths that are the same whenever the history is played. */
function fateOf({ deaths, seed }: History): Fate {
  let [state, left] = [seed, deaths];
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    if (left === 0 || (state >>> 8) % 20 !== 0) return undefined;
    left--;
    return (state >>> 16) % 2 === 0 ? 'before' : 'after';
  };
}

/** Plays a history until its backfill has finished, resuming it whenever it was stopped. */
class Play {
  readonly stack: InMemoryStack;
  /** Numbers of traces. */
  readonly late: number[] = [];
  readonly deleted: number[] = [];
  readonly #history: History;
  readonly #events: Event[];
  readonly #fate: Fate;
  readonly #pass: () => Promise<void>;
  readonly #model: { isDown: boolean };
  #downUntil = 0;

  constructor({ stack, model }: Awaited<ReturnType<typeof aJudgedStack>>, history: History) {
    this.stack = stack;
    this.#history = history;
    this.#events = [...history.events];
    this.#fate = fateOf(history);
    this.#model = model;
    const delivery = { fate: this.#fate, twice: history.twice };
    this.#pass = passing(stack, { each: () => this.#lookAtModel(), delivery });
  }

  async run() {
    const { filter, mode, sampleRate, seed } = this.#history;
    const scorers = [{ name: 'safety', sampleRate }];
    let backfill = await this.#execution().start({ ...everything, scorers, filter, mode });
    for (let stops = 0; backfill.state !== 'finished'; stops++) {
      if (stops > 20) throw new Error(`it never finishes: ${backfill.state}, ${backfill.reason}`);
      expect(addsUp(await this.#execution().progress(ref))).toBe(true);
      // Resumed at once, its messages still lie in the queue; later, they have been let go.
      if ((seed + stops) % 2 === 0) await this.#later(minute);
      backfill = await this.#execution().run(await resumeBackfill(ref, { deps: this.#execution().concluding() }));
    }
    await this.#later(2 * hour);
    return backfill;
  }

  #execution() {
    const { sliceSize, twice } = this.#history;
    const happen = () => this.#happen();
    const beforeRound = async () => {
      await this.#pass();
      await happen();
    };
    return anExecution(this.stack, { fate: this.#fate, twice, sliceSize, afterSlice: happen, beforeRound });
  }

  async #later(ms: number): Promise<void> {
    this.stack.nowMs += ms;
    await this.#pass();
  }

  #lookAtModel(): void {
    this.#model.isDown = this.stack.nowMs < this.#downUntil;
  }

  async #happen(): Promise<void> {
    const { stack } = this;
    const current = await stack.backfills.store.get(ref);
    const stop = { reason: 'by hand', deps: anExecution(stack).concluding() };
    const what = this.#events.shift();
    if (what === 'pause' && current?.state === 'running') await pauseBackfill(ref, stop);
    if (what === 'cancel' && current?.state === 'running') await cancelBackfill(ref, stop);
    if (what === 'redrive' && current) await this.#execution().run(current);
    if (what === 'lost messages') stack.loseBackfillMessages();
    if (what === 'outage') this.#downUntil = stack.nowMs + 40 * minute;
    if (what === 'arrival') {
      this.late.push(this.#history.traces + this.late.length);
      sendTalk(stack, this.late.at(-1) ?? 0);
    }
    if (what === 'deletion' && this.deleted.length < this.#history.traces) {
      this.deleted.push(this.deleted.length);
      await stack.delete(idOf(this.deleted.at(-1) ?? 0));
    }
    this.#lookAtModel();
  }
}

it('whatever happens, a backfill ends with exactly the assessments that are meant, and its counts add up', async () => {
  const played = async (history: History) => {
    const { traces, live, sampleRate, filter, mode, deaths } = history;
    const judged = await aJudgedStack({ traces, rate: live });
    const paidLive = judged.model.asked.length;
    const play = new Play(judged, history);
    const finished = await play.run();
    const { stack, late, deleted } = play;

    const u = (n: number) => samplingCoordinate(idOf(n));
    const isMeant = (n: number) => u(n) < sampleRate && (filter === '' || n % 3 === 0);
    const isOfBackfill = (n: number) => isMeant(n) && (mode === 'all' || u(n) >= live);
    const there = Array.from({ length: traces }, (_, n) => n).filter((n) => !deleted.includes(n));
    const idsOf = (numbers: readonly number[]) => numbers.map(idOf).toSorted();
    const [before, after] = [new Set(idsOf(there)), new Set(idsOf(late))];
    const by = (name: string) => judgedBy(stack, name);
    expect(by('safety').filter((id) => before.has(id))).toEqual(idsOf(there.filter((n) => u(n) < live || isMeant(n))));
    // What arrives meanwhile belongs to it if its slice was not decided yet.
    expect(idsOf(late.filter((n) => u(n) < live || isMeant(n)))).toEqual(
      expect.arrayContaining(by('safety').filter((id) => after.has(id))),
    );
    expect(by('safety')).toEqual(expect.arrayContaining(idsOf(late.filter((n) => u(n) < live))));

    const assessments = [...stack.index.entries.values()].map((entry) => [...entry.assessments.values()]);
    expect(assessments.every((ofTrace) => ofTrace.length <= 1)).toBe(true);
    const own = assessments.flat().filter(({ metadata }) => metadata['assay.backfillId'] === 'b1');
    const ownBefore = own.map(({ traceId }) => traceId).filter((id) => before.has(id));
    expect(ownBefore.toSorted()).toEqual(idsOf(there.filter(isOfBackfill)));

    // Decided once: whatever arrived or was repeated since.
    const wanted = [...stack.backfills.decided.values()].flatMap((slice) => slice.wanted.map(({ traceId }) => traceId));
    expect(wanted).toEqual(expect.arrayContaining(own.map(({ traceId }) => traceId)));
    const asked = stack.requested.filter(({ backfill }) => backfill !== undefined);
    const isRepeated = history.events.some((event) => /pause|cancel|outage|lost/.test(event));
    if (deaths === 0 && !isRepeated) expect(asked.map(({ traceId }) => traceId).toSorted()).toEqual(wanted.toSorted());

    const counts = totalOf(finished);
    expect(addsUp({ scorers: finished.counts ?? [] })).toBe(true);
    expect(counts).toMatchObject({ failed: 0, held: 0, cancelled: 0, pending: 0, incomplete: 0 });
    expect(stack.backfills.covered.size).toBe(1);
    if (deleted.length === 0) expect(counts.judged).toBe(wanted.length);
    if (late.length > 0 || deleted.length > 0) return;
    expect(counts).toMatchObject({ found: traces, judged: own.length, deleted: 0 });
    expect(counts.notSampled).toBe(there.filter((n) => u(n) >= sampleRate).length);
    if (deaths === 0) expect(judged.model.asked).toHaveLength(paidLive + own.length);
  };
  await fc.assert(fc.asyncProperty(histories, played), { numRuns: 60 });
});
