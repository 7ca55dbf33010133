import { heading, line } from '../report-lines.ts';
import { type Simulated, simulate } from './simulation.ts';

/** A tenth is judged: ten functions of ten evaluations, of three seconds each. */
const options = { rate: 0.1, judgedPerSecond: 33 };
const sizes = process.argv.slice(2).map(Number);

function print(seen: Simulated): void {
  const { meter, traces } = seen;
  const parts = meter.price();
  const total = Object.values(parts).reduce((sum, usd) => sum + usd, 0);
  const hours = (seconds: number) =>
    seconds < 5_400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
  const n = (value: number) => Math.round(value).toLocaleString('en');
  heading(`${n(traces)} traces over 60 days, a tenth of them judged at ${options.judgedPerSecond} a second`);
  line('plan', [
    `${n(seen.slices)} slices`,
    `${hours(seen.planSeconds)}`,
    `${n(seen.slicesPlannedPerSecond)} slices/s of CPU`,
  ]);
  line('slices', [
    `${n(seen.evaluations)} evaluations`,
    hours(seen.enqueueSeconds),
    `${n(seen.tracesPerSecond)} traces/s of CPU`,
  ]);
  line('queue', [hours(seen.queueSeconds), `${seen.rounds} rounds`, `${n(seen.historyEvents)} events of 25,000`]);
  line('Step Functions', [`${n(meter.children)} children`, `${n(meter.transitions)} transitions, children counted`]);
  line('calls', [`${n(meter.calls)} of AWS`, `${n((meter.calls / traces) * 1e6)} a million traces`]);
  line(
    'price, US$',
    Object.entries(parts).map(([part, usd]) => `${part} ${usd.toFixed(4)}`),
  );
  line('a million, US$', [((total / traces) * 1e6).toFixed(3), 'judging aside']);
  if (seen.stride > 1) line('', [`one of ${seen.stride} slices was worked on and stands for the others`]);
}

for (const traces of sizes.length > 0 ? sizes : [10_000, 1_000_000, 10_000_000, 100_000_000])
  print(await simulate({ ...options, traces }));
line('memory', [`${Math.round(process.resourceUsage().maxRSS / 1024)} MB at most, the made-up traces included`]);
