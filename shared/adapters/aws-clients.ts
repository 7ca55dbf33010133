import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';

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
  return new DynamoDBClient({ ...options, maxAttempts });
}

export function firehose(): FirehoseClient {
  return new FirehoseClient(options);
}

/** Objects reach tens of megabytes: more time for each attempt. */
export function s3(): S3Client {
  return new S3Client({ ...options, requestHandler: { ...options.requestHandler, requestTimeout: 8_000 } });
}

/** `md5: false`: checking the digest of an 80 KB message costs more CPU than all the rest of sending it; TLS protects it already. */
export function sqs(): SQSClient {
  return new SQSClient({ ...options, md5: false });
}
