import type { DeployedResource } from '../template/assembly.ts';
import type { EventSourceSpec } from './event-source.ts';
import type { FunctionPool } from './function-pool.ts';
import type { LocalFunction } from './functions.ts';

interface MappingProperties {
  readonly EventSourceArn: string;
  readonly FunctionName: string;
  readonly BatchSize?: number;
  readonly MaximumBatchingWindowInSeconds?: number;
  readonly ScalingConfig?: { readonly MaximumConcurrency: number };
}

/** The template's event source mappings from queues. */
export function eventSourcesOf(
  resources: readonly DeployedResource[],
  functions: readonly LocalFunction[],
): readonly { spec: EventSourceSpec; pool: FunctionPool }[] {
  const mappings = resources.filter(({ type }) => type === 'AWS::Lambda::EventSourceMapping');
  return mappings.map(({ id, properties }) => {
    const mapping = properties as unknown as MappingProperties;
    const queue = resources.find(({ type, arn }) => type === 'AWS::SQS::Queue' && arn === mapping.EventSourceArn);
    const target = functions.find(({ resource }) => resource.ref === mapping.FunctionName);
    if (!queue || !target) throw new Error(`event source mapping ${id} joins what the template does not have`);
    const spec: EventSourceSpec = {
      queueUrl: queue.ref,
      queueArn: queue.arn,
      batchSize: mapping.BatchSize ?? 10,
      batchingWindowSeconds: mapping.MaximumBatchingWindowInSeconds ?? 0,
      maxConcurrency: mapping.ScalingConfig?.MaximumConcurrency ?? 1_000,
    };
    return { spec, pool: target.pool };
  });
}
