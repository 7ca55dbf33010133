import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Deployment, deploy, synthesize } from '../../local/template/assembly.ts';
import type { TableKeys } from './write-units.ts';

/** A bundled function of the synthesized stack. */
interface BenchFunction {
  readonly name: string;
  readonly bundle: string;
  readonly bundleBytes: number;
  readonly memoryMb: number;
  /** Of what reads from a queue: the most messages that it is handed at once. */
  readonly batchSize?: number | undefined;
  /** As the template sets it, its AWS calls going to `endpoint`. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface BenchStack {
  readonly functions: ReadonlyMap<string, BenchFunction>;
  readonly tables: ReadonlyMap<string, TableKeys>;
  readonly deployment: Deployment;
}

/** Synthesizes, and names everything as the local stack does. */
export async function benchStack(endpoint: string): Promise<BenchStack> {
  const assembly = await synthesize();
  const deployment = deploy(assembly, { endpoint, apiUrl: 'http://127.0.0.1' });
  const lambdas = deployment.resources.filter(
    ({ type, metadata }) => type === 'AWS::Lambda::Function' && metadata['aws:asset:is-bundled'],
  );
  const batchSizes = new Map(
    deployment.resources
      .filter(({ type }) => type === 'AWS::Lambda::EventSourceMapping')
      .map(({ properties }) => [properties.FunctionName, properties.BatchSize as number]),
  );
  const functions = lambdas.map(({ ref, properties, metadata }): BenchFunction => {
    const bundle = join(assembly, String(metadata['aws:asset:path']), 'index.mjs');
    return {
      name: String(properties.Description).split(' ').at(-1) ?? '',
      bundle,
      bundleBytes: statSync(bundle).size,
      memoryMb: Number(properties.MemorySize),
      batchSize: batchSizes.get(ref),
      environment: {
        ...(properties.Environment as { Variables: Record<string, string> }).Variables,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'bench',
        AWS_SECRET_ACCESS_KEY: 'bench',
        AWS_ENDPOINT_URL: endpoint,
      },
    };
  });
  const tables = deployment.resources.filter(({ type }) => type === 'AWS::DynamoDB::GlobalTable');
  return {
    functions: new Map(functions.map((each) => [each.name, each])),
    tables: new Map(tables.map(({ ref, properties }) => [ref, tableKeys(properties)])),
    deployment,
  };
}

interface TableProperties {
  readonly KeySchema: readonly KeySchema[];
  readonly GlobalSecondaryIndexes?: readonly { IndexName: string; KeySchema: readonly KeySchema[] }[];
}

interface KeySchema {
  readonly AttributeName: string;
  readonly KeyType: 'HASH' | 'RANGE';
}

/** The keys that a table's properties in a template declare. */
export function tableKeys(properties: object): TableKeys {
  const { KeySchema, GlobalSecondaryIndexes = [] } = properties as TableProperties;
  return {
    ...keysOf(KeySchema),
    indexes: GlobalSecondaryIndexes.map(({ IndexName, KeySchema }) => ({ name: IndexName, ...keysOf(KeySchema) })),
  };
}

function keysOf(schema: readonly KeySchema[]): { partitionKey: string; sortKey: string } {
  const of = (type: string) => schema.find(({ KeyType }) => KeyType === type)?.AttributeName ?? '';
  return { partitionKey: of('HASH'), sortKey: of('RANGE') };
}
