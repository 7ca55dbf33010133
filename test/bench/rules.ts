import { marshall } from '@aws-sdk/util-dynamodb';
import { toRulesItem, toScorerVersionItem } from '../../shared/contracts/registry-items.ts';
import { defaultSettings } from '../../shared/domain/experiment.ts';
import type { FakeAws } from './fake-aws.ts';
import type { BenchStack } from './functions.ts';
import type { WireItem } from './item-size.ts';

/** A scorer as MLflow's clients serialize it, without its name. */
export interface BenchScorer {
  readonly name: string;
  readonly definition: object;
}

/** Has the scorers judge this share of the traces of experiment 0, and no others. */
export function putRules(
  { aws, stack }: { aws: FakeAws; stack: BenchStack },
  { scorers, rate }: { scorers: readonly BenchScorer[]; rate: number },
): void {
  const registry = stack.deployment.outputs.get('RegistryTable') ?? '';
  const rules = scorers.map(({ name }) => ({ name, version: 1, level: 'trace' as const, sampleRate: rate }));
  const items = [
    toRulesItem({ experimentId: '0', version: 1, scorers: rules, settings: defaultSettings }, 'rules'),
    ...scorers.map(({ name, definition }) =>
      toScorerVersionItem({
        experimentId: '0',
        name,
        version: 1,
        scorerId: name,
        serialized: JSON.stringify({ name, serialization_version: 1, ...definition }),
        createdAt: 0,
      }),
    ),
  ];
  for (const item of items)
    aws.dynamodb.put(registry, marshall(item, { removeUndefinedValues: true }) as unknown as WireItem);
}
