import { BedrockRuntimeClient, type BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient, type SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/**
 * The one place that constructs SDK clients. Connections are kept alive, the SDK's default. Three attempts of at most six seconds
 * leave an HTTP API call (30 s) time to say that it failed; what reads from a queue is delivered again.
 */
const options = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};

/** `maxAttempts: 1` for calls that would count twice if an answer that got lost had them repeated. */
export function dynamodb({ maxAttempts = options.maxAttempts }: { maxAttempts?: number } = {}): DynamoDBClient {
  return unlogged(new DynamoDBClient({ ...options, maxAttempts }));
}

export function firehose(): FirehoseClient {
  return unlogged(new FirehoseClient(options));
}

/** Objects reach tens of megabytes: more time for each attempt. */
export function s3(): S3Client {
  return unlogged(new S3Client({ ...options, requestHandler: { ...options.requestHandler, requestTimeout: 8_000 } }));
}

/** `md5: false`: checking the digest of an 80 KB message costs more CPU than all the rest of sending it; TLS protects it already. */
export function sqs(): SQSClient {
  return unlogged(new SQSClient({ ...options, md5: false }));
}

/** Loaded when it is needed. One attempt: whoever invokes is delivered again. Each call brings its own time limit. */
export async function lambda(): Promise<LambdaClient> {
  const sdk = await import('@aws-sdk/client-lambda');
  const { connectionTimeout } = options.requestHandler;
  return unlogged(new sdk.LambdaClient({ ...options, maxAttempts: 1, requestHandler: { connectionTimeout } }));
}

/** Loaded when it is needed. */
export async function sfn(): Promise<SFNClient> {
  const sdk = await import('@aws-sdk/client-sfn');
  return unlogged(new sdk.SFNClient(options));
}

interface Client {
  readonly middlewareStack: { remove(name: string): boolean };
}

/**
 * Without what the SDK does for a log that nobody keeps: it copies every request and every answer to leave out secrets, which takes
 * half of the CPU that reading a hundred items takes.
 */
function unlogged<T extends Client>(client: T): T {
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}

/**
 * Calls are not repeated: how long to wait for a model that is throttled or down is decided for all traces together. Each call brings its own
 * time limit. HTTP/1.1, which 50 calls in flight ask little of, instead of this client's HTTP/2: any server that speaks Converse will do.
 */
export function bedrock(given: BedrockRuntimeClientConfig = {}): BedrockRuntimeClient {
  const client = new BedrockRuntimeClient({
    ...given,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 2_000,
      httpsAgent: { maxSockets: 200, keepAlive: true },
      httpAgent: { maxSockets: 200, keepAlive: true },
    }),
  });
  return unlogged(client);
}

export function secretsManager(given: SecretsManagerClientConfig = {}): SecretsManagerClient {
  return unlogged(new SecretsManagerClient({ ...given, ...options }));
}
