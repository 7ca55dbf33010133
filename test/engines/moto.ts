import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { localCredentials } from '../support/local-credentials.ts';
import { type Engine, installedEngine, startEngine } from './engine-process.ts';

/** moto's server: S3 and SQS by another hand than the emulators of the local stack. */
export async function startMoto(): Promise<Engine> {
  const command = `${installedEngine('moto')}/bin/moto_server`;
  return startEngine((port) => ({ command, args: ['-H', '127.0.0.1', '-p', String(port)] }), listAll);
}

async function listAll(endpoint: string): Promise<void> {
  const [s3, sqs] = [
    new S3Client({ endpoint, ...localCredentials, forcePathStyle: true, maxAttempts: 1 }),
    new SQSClient({ endpoint, ...localCredentials, maxAttempts: 1 }),
  ];
  try {
    await Promise.all([s3.send(new ListBucketsCommand({})), sqs.send(new ListQueuesCommand({}))]);
  } finally {
    s3.destroy();
    sqs.destroy();
  }
}
