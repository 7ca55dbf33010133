import type { LocalFunction } from './lambda/functions.ts';
import type { DeployedResource } from './template/assembly.ts';

interface Schedule {
  readonly seconds: number;
  readonly run: () => Promise<void>;
}

/** The template's EventBridge rules with a rate. */
export class Schedules {
  readonly #schedules: readonly Schedule[];
  #timers: NodeJS.Timeout[] = [];

  constructor(
    resources: readonly DeployedResource[],
    {
      functions,
      seconds,
      log,
    }: { functions: readonly LocalFunction[]; seconds?: number | undefined; log: (line: string) => void },
  ) {
    const rules = resources.filter(
      ({ type, properties }) => type === 'AWS::Events::Rule' && properties.ScheduleExpression,
    );
    this.#schedules = rules.flatMap(({ properties }) =>
      (properties.Targets as { Arn: string }[]).map(({ Arn }) => {
        const target = functions.find(({ resource }) => resource.arn === Arn);
        const event = { source: 'aws.events', 'detail-type': 'Scheduled Event' };
        const run = async () => {
          await target?.pool.invoke(event).catch((error: unknown) => log(`schedule: ${String(error)}`));
        };
        return { seconds: seconds ?? rateSeconds(String(properties.ScheduleExpression)), run };
      }),
    );
  }

  start(): void {
    this.#timers = this.#schedules.map(({ seconds, run }) => setInterval(run, seconds * 1000));
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  async runAll(): Promise<void> {
    await Promise.all(this.#schedules.map(({ run }) => run()));
  }
}

const unitSeconds: Readonly<Record<string, number>> = { minute: 60, hour: 3_600, day: 86_400 };

function rateSeconds(expression: string): number {
  const [, count, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const seconds = unitSeconds[unit];
  if (count === undefined || seconds === undefined)
    throw new Error(`the local stack knows rate(…) only, got ${expression}`);
  return Number(count) * seconds;
}
