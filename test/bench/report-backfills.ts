import { check, heading, line } from './report-lines.ts';
import type { BackfillFigures } from './run-backfills.ts';

/** US$ a million traces; what a trace may cost more in the dearest of them than in the cheapest; MB of a child, as its function has. */
const goals = { usdPerMillion: 2, growth: 1.5, childMb: 512 };

export function printBackfills({ traces, slices, planCpuMs, slicesPerCpuSecond, runs, prices }: BackfillFigures): void {
  heading(`a backfill of ${thousands(traces)} stored traces, a second of CPU`);
  line('plan', [
    `${slices} slices in ${planCpuMs.toFixed(0)} ms with the prediction`,
    `slices planned ${slicesPerCpuSecond.toFixed(0)}`,
  ]);
  for (const run of runs) {
    const childMb = run.largestChildBytes / 2 ** 20;
    line(`${run.rate * 100} % of them`, [
      `${thousands(run.evaluations)} evaluations`,
      `traces enqueued ${thousands(run.enqueuedPerCpuSecond)}`,
      `counted ${thousands(run.reconciledPerCpuSecond)}`,
      `AWS calls a million traces ${thousands(run.callsPerMillion)}`,
      `read units ${thousands(run.readUnitsPerMillion)}`,
      `largest child ${childMb.toFixed(0)} MB${check(childMb <= goals.childMb)}`,
    ]);
  }
  const [least, most] = [Math.min, Math.max].map((of) => of(...prices.map(({ usdPerMillion }) => usdPerMillion)));
  line('US$ a million', [
    ...prices.map(
      ({ traces: count, usdPerMillion }) =>
        `${usdPerMillion.toFixed(2)} of ${thousands(count)}${check(usdPerMillion < goals.usdPerMillion)}`,
    ),
    `linear${check((most ?? 0) <= (least ?? 0) * goals.growth)}`,
  ]);
}

function thousands(count: number): string {
  return Math.round(count).toLocaleString('en');
}
