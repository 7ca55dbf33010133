import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { AwsError } from '../gateway/aws-error.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { region } from '../template/physical-names.ts';
import { AwsCallError, type ListedObject, type RoleCalls } from './role-calls.ts';

export interface GatewayCallsOptions {
  readonly endpoint: string;
  /** By which the gateway knows the machine and what its role grants. */
  readonly accessKeyId: string;
  readonly machineArn: string;
  readonly gateway: Pick<Gateway, 'authorize'>;
}

/** A machine's calls as AWS makes them for it: over the gateway, which holds them against the role. */
export function gatewayCalls({ endpoint, accessKeyId, machineArn, gateway }: GatewayCallsOptions): RoleCalls {
  const credentials = { accessKeyId, secretAccessKey: 'local' };
  const options = { endpoint, region, credentials };
  // What is tried again, and how often, is said by the machine.
  const lambda = new LambdaClient({ ...options, maxAttempts: 1 });
  const s3 = new S3Client({ ...options, forcePathStyle: true });
  return {
    async invoke(FunctionName, payload) {
      const command = new InvokeCommand({ FunctionName: nameOf(FunctionName), Payload: Buffer.from(payload) });
      const answer = await refusable(lambda.send(command));
      return {
        functionError: answer.FunctionError,
        payload: Buffer.from(answer.Payload ?? new Uint8Array()).toString('utf8'),
      };
    },
    async getObject(Bucket, Key) {
      const { Body } = await refusable(s3.send(new GetObjectCommand({ Bucket, Key })));
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    },
    listObjects: (Bucket, Prefix) => refusable(listed(s3, { Bucket, Prefix })),
    async putObject(Bucket, Key, Body) {
      await refusable(s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/json' })));
    },
    call: (service, operation, input) => callJson({ endpoint, accessKeyId }, { service, operation, input }),
    async startChildren() {
      try {
        gateway.authorize(accessKeyId, { action: 'states:StartExecution', resource: machineArn });
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        throw new AwsCallError(error.code, { message: error.message, status: error.status });
      }
    },
  };
}

/** A function is named by its ARN, too, with or without a qualifier. */
function nameOf(functionName: string): string {
  return /:function:([^:]+)/.exec(functionName)?.[1] ?? functionName;
}

async function listed(s3: S3Client, place: { Bucket: string; Prefix: string }): Promise<readonly ListedObject[]> {
  const objects: ListedObject[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, place))
    for (const { ETag = '', Key = '', LastModified, Size = 0, StorageClass = 'STANDARD' } of Contents)
      objects.push({
        Etag: ETag,
        Key,
        LastModified: Math.floor((LastModified?.getTime() ?? 0) / 1000),
        Size,
        StorageClass,
      });
  return objects;
}

async function refusable<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    throw new AwsCallError(name, { message, status: $metadata?.httpStatusCode ?? 500 });
  }
}

/** Step Functions' own names begin with a small letter on the wire, and with a capital one in a definition. */
async function callJson(
  { endpoint, accessKeyId }: { endpoint: string; accessKeyId: string },
  { service, operation, input }: { service: string; operation: string; input: unknown },
): Promise<unknown> {
  const isOwn = service === 'states';
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${accessKeyId}/${date.slice(0, 8)}/${region}/${service}/aws4_request`;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `${targets[service]}.${operation}`,
      'x-amz-date': date,
      // The gateway looks at who signed, not at how.
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=local`,
    },
    body: JSON.stringify(isOwn ? renamed(input, (name) => name.toLowerCase()) : input),
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return isOwn ? renamed(answer, (name) => name.toUpperCase()) : answer;
  const code = String(answer.__type ?? 'InternalFailure').replace(/^.*#/, '');
  throw new AwsCallError(code, { message: String(answer.message ?? answer.Message), status: response.status });
}

/** As `x-amz-target` names the services. */
const targets: Readonly<Record<string, string>> = {
  athena: 'AmazonAthena',
  dynamodb: 'DynamoDB_20120810',
  firehose: 'Firehose_20150804',
  secretsmanager: 'secretsmanager',
  sqs: 'AmazonSQS',
  states: 'AWSStepFunctions',
};

function renamed(value: unknown, first: (letter: string) => string): unknown {
  if (Array.isArray(value)) return value.map((member) => renamed(member, first));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [first(name.charAt(0)) + name.slice(1), renamed(member, first)]),
  );
}
