import { join } from 'node:path';
import type { Statement } from '../gateway/policy.ts';
import { statementsOf } from '../gateway/role-statements.ts';
import type { DeployedResource, Deployment } from '../template/assembly.ts';
import { region } from '../template/physical-names.ts';
import { FunctionPool, type FunctionSpec } from './function-pool.ts';

/** A function of the template with its processes and its role's rights. */
export interface LocalFunction {
  readonly spec: FunctionSpec;
  readonly pool: FunctionPool;
  readonly accessKeyId: string;
  readonly statements: readonly Statement[];
  readonly resource: DeployedResource;
}

interface FunctionProperties {
  readonly Handler: string;
  readonly Timeout?: number;
  readonly MemorySize?: number;
  readonly Role: string;
  readonly Description?: string;
  readonly Environment?: { readonly Variables: Readonly<Record<string, string>> };
  readonly ReservedConcurrentExecutions?: number;
}

/** Two cores: more processes of one function would only wait for each other. */
const processes = 3;

export function functionsOf(
  { resources }: Deployment,
  { assembly, endpoint, log }: { assembly: string; endpoint: string; log: (line: string) => void },
): readonly LocalFunction[] {
  // Functions that are no bundled asset belong to CloudFormation's own custom resources.
  const bundled = resources.filter(
    ({ type, metadata }) => type === 'AWS::Lambda::Function' && metadata['aws:asset:is-bundled'],
  );
  return bundled.map((resource, i) => {
    const properties = resource.properties as unknown as FunctionProperties;
    const accessKeyId = `FUNCTION${i}`;
    const name = functionName(properties, resource);
    const spec: FunctionSpec = {
      name,
      folder: join(assembly, String(resource.metadata['aws:asset:path'])),
      handler: properties.Handler,
      timeoutSeconds: properties.Timeout ?? 3,
      memoryMb: properties.MemorySize ?? 128,
      maxConcurrency: Math.min(processes, properties.ReservedConcurrentExecutions ?? processes),
      environment: {
        ...properties.Environment?.Variables,
        PATH: process.env.PATH ?? '',
        TZ: ':UTC',
        AWS_REGION: region,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(properties.MemorySize ?? 128),
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_ENDPOINT_URL: endpoint,
        AWS_LAMBDA_LOG_FORMAT: 'JSON',
      },
    };
    return {
      spec,
      pool: new FunctionPool(spec, log),
      accessKeyId,
      statements: statementsOf(properties.Role, resources),
      resource,
    };
  });
}

/** The folder in `functions/`, which the description ends with; else the logical id. */
function functionName({ Description }: FunctionProperties, { id }: DeployedResource): string {
  return Description?.split(' ').at(-1) ?? id;
}
