import type { DeployedResource } from '../template/assembly.ts';
import { accountId, region } from '../template/physical-names.ts';
import { athenaAccesses } from './athena-accesses.ts';
import type { Access } from './policy.ts';

/** A call to AWS as it came over HTTP. */
export interface AwsCall {
  readonly service: string;
  /** `PutItem`, `SendMessage`, … */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Parsed JSON of the body, for the services that speak it. */
  readonly input: () => Readonly<Record<string, unknown>>;
}

/** What a call does in IAM's terms; a call of a service or operation that is not known here is an error, not a guess. */
export function accessesOf(
  call: AwsCall,
  resources: readonly DeployedResource[],
  workgroupOf: (queryExecutionId: string) => string | undefined = () => undefined,
): readonly Access[] {
  if (call.service === 'athena') {
    const { operation } = call;
    return athenaAccesses({ operation, input: call.input(), resources, workgroupOf });
  }
  const derive = services[call.service];
  if (!derive) throw new Error(`the local stack has no ${call.service}`);
  return derive(call, resources);
}

type Derive = (call: AwsCall, resources: readonly DeployedResource[]) => readonly Access[];

const services: Readonly<Record<string, Derive>> = {
  dynamodb: ({ operation, input }, resources) => {
    const arnOf = (table: string) => arnOfRef(resources, table);
    const request = input();
    if (operation === 'BatchExecuteStatement') {
      return (request.Statements as { Statement: string }[]).map(({ Statement }) => partiql(Statement, arnOf));
    }
    if (operation === 'BatchGetItem' || operation === 'BatchWriteItem') {
      return Object.keys(request.RequestItems as object).map((table) => ({
        action: `dynamodb:${operation}`,
        resource: arnOf(table),
      }));
    }
    const table = arnOf(String(request.TableName));
    const index = request.IndexName === undefined ? '' : `/index/${String(request.IndexName)}`;
    return [{ action: `dynamodb:${operation}`, resource: `${table}${index}` }];
  },
  // Batches are checked as the single operation: SQS developer guide, "Amazon SQS API permissions".
  sqs: ({ operation, input }, resources) => [
    { action: `sqs:${operation.replace(/Batch$/, '')}`, resource: arnOfRef(resources, queueUrlOf(input(), resources)) },
  ],
  firehose: ({ operation, input }, resources) => [
    { action: `firehose:${operation}`, resource: arnOfRef(resources, String(input().DeliveryStreamName)) },
  ],
  secretsmanager: ({ operation, input }, resources) => [
    { action: `secretsmanager:${operation}`, resource: secretArn(String(input().SecretId), resources) },
  ],
  bedrock: ({ path }) => modelArns(path).map((resource) => ({ action: 'bedrock:InvokeModel', resource })),
  lambda: ({ input }, resources) => {
    const name = String(input().FunctionName);
    const known = resources.find(({ type, ref }) => type === 'AWS::Lambda::Function' && ref === name);
    const resource = known?.arn ?? `arn:aws:lambda:${region}:${accountId}:function:${name}`;
    return [{ action: 'lambda:InvokeFunction', resource }];
  },
  // A Map Run is a resource of its own; all else is done to an execution, or to the machine that makes one.
  states: ({ operation, input }) => {
    const { mapRunArn, executionArn, stateMachineArn = '*' } = input();
    return [{ action: `states:${operation}`, resource: String(mapRunArn ?? executionArn ?? stateMachineArn) }];
  },
  s3: ({ method, path, query }) => {
    const [, bucket = '', ...rest] = path.split('/');
    const key = decodeURIComponent(rest.join('/'));
    if (key === '')
      return [{ action: method === 'GET' ? 's3:ListBucket' : 's3:PutBucket', resource: `arn:aws:s3:::${bucket}` }];
    const action = query.has('tagging') ? 's3:PutObjectTagging' : objectActions[method];
    return [{ action: action ?? `s3:${method}`, resource: `arn:aws:s3:::${bucket}/${key}` }];
  },
};

const objectActions: Readonly<Record<string, string>> = {
  GET: 's3:GetObject',
  HEAD: 's3:GetObject',
  PUT: 's3:PutObject',
  POST: 's3:PutObject',
  DELETE: 's3:DeleteObject',
};

function secretArn(id: string, resources: readonly DeployedResource[]): string {
  if (id.startsWith('arn:')) return id;
  const own = resources.find(
    ({ type, properties }) => type === 'AWS::SecretsManager::Secret' && properties.Name === id,
  );
  return own?.arn ?? `arn:aws:secretsmanager:${region}:${accountId}:secret:${id}-AbCdEf`;
}

/** A profile is a right of its own, beside that to the model behind it (Bedrock user guide, "Prerequisites for inference profiles"). */
function modelArns(path: string): readonly string[] {
  const id = decodeURIComponent(/^\/model\/(.+)\/converse$/.exec(path)?.[1] ?? '');
  if (id.startsWith('arn:')) return [id];
  const model = `arn:aws:bedrock:${region}::foundation-model/${id.replace(/^(us|eu|apac|jp|au|ca|global)\./, '')}`;
  return model.endsWith(`/${id}`) ? [model] : [`arn:aws:bedrock:${region}:${accountId}:inference-profile/${id}`, model];
}

const partiqlActions: Readonly<Record<string, string>> = {
  INSERT: 'PartiQLInsert',
  UPDATE: 'PartiQLUpdate',
  DELETE: 'PartiQLDelete',
  SELECT: 'PartiQLSelect',
};

function partiql(statement: string, arnOf: (table: string) => string): Access {
  const [, verb = '', table = ''] = /^\s*(\w+)[^"]*"([^"]+)"/.exec(statement) ?? [];
  return { action: `dynamodb:${partiqlActions[verb.toUpperCase()] ?? verb}`, resource: arnOf(table) };
}

function queueUrlOf(input: Readonly<Record<string, unknown>>, resources: readonly DeployedResource[]): string {
  if (input.QueueUrl !== undefined) return String(input.QueueUrl);
  return (
    resources.find(({ type, ref }) => type === 'AWS::SQS::Queue' && ref.endsWith(`/${String(input.QueueName)}`))?.ref ??
    ''
  );
}

/** By what `Ref` gives; a name that belongs to nothing is nobody's resource. */
function arnOfRef(resources: readonly DeployedResource[], ref: string): string {
  return resources.find((resource) => resource.ref === ref)?.arn ?? `arn:aws:unknown:::${ref}`;
}
