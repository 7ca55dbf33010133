import { createHash } from 'node:crypto';
import type { PhysicalNames, Resource } from './resolve.ts';

export const region = 'us-east-1';
export const accountId = '123456789012';

/** Where things are once the stack runs; names themselves do not depend on it. */
export interface Addresses {
  /** All AWS services answer here. */
  readonly endpoint: string;
  readonly apiUrl: string;
}

/** Names like CloudFormation makes them: from stack and logical id, the same in every run, so that kept data is found again. */
export function physicalNames(stackName: string, addresses: Addresses): PhysicalNames {
  const nameOf = (id: string) => `${stackName}-${id}`;
  const bucketOf = (id: string) =>
    `${`${stackName}-${id}`
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, '')
      .slice(0, 50)}-${shortHash(stackName + id)}`;
  const byType: Record<string, (id: string, properties: Record<string, unknown>) => { ref: string; arn: string }> = {
    'AWS::DynamoDB::GlobalTable': (id) => both(nameOf(id), `dynamodb:${region}:${accountId}:table/${nameOf(id)}`),
    'AWS::DynamoDB::Table': (id) => both(nameOf(id), `dynamodb:${region}:${accountId}:table/${nameOf(id)}`),
    'AWS::S3::Bucket': (id) => both(bucketOf(id), `s3:::${bucketOf(id)}`),
    'AWS::SQS::Queue': (id) =>
      both(`${addresses.endpoint}/${accountId}/${nameOf(id)}`, `sqs:${region}:${accountId}:${nameOf(id)}`),
    'AWS::Lambda::Function': (id) => both(nameOf(id), `lambda:${region}:${accountId}:function:${nameOf(id)}`),
    'AWS::KinesisFirehose::DeliveryStream': (id) =>
      both(nameOf(id), `firehose:${region}:${accountId}:deliverystream/${nameOf(id)}`),
    'AWS::IAM::Role': (id) => both(nameOf(id), `iam::${accountId}:role/${nameOf(id)}`),
    'AWS::Logs::LogGroup': (id) => both(nameOf(id), `logs:${region}:${accountId}:log-group:${nameOf(id)}:*`),
    'AWS::SNS::Topic': (id) =>
      both(`arn:aws:sns:${region}:${accountId}:${nameOf(id)}`, `sns:${region}:${accountId}:${nameOf(id)}`),
    'AWS::StepFunctions::StateMachine': (id, { StateMachineName }) => {
      const arn = `states:${region}:${accountId}:stateMachine:${String(StateMachineName ?? nameOf(id))}`;
      return both(`arn:aws:${arn}`, arn);
    },
    'AWS::SecretsManager::Secret': (id, { Name }) => {
      const arn = `secretsmanager:${region}:${accountId}:secret:${String(Name ?? nameOf(id))}-AbCdEf`;
      return both(`arn:aws:${arn}`, arn);
    },
    'AWS::Glue::Table': (id, { TableInput }) => {
      const name = String((TableInput as { Name?: string } | undefined)?.Name ?? nameOf(id));
      return both(name, `glue:${region}:${accountId}:table/${name}`);
    },
    'AWS::Glue::Database': (id, { DatabaseInput }) => {
      const name = String((DatabaseInput as { Name?: string } | undefined)?.Name ?? nameOf(id));
      return both(name, `glue:${region}:${accountId}:database/${name}`);
    },
    'AWS::Athena::WorkGroup': (id, { Name }) =>
      both(String(Name ?? nameOf(id)), `athena:${region}:${accountId}:workgroup/${String(Name)}`),
  };
  const named = (id: string, resource: Resource) =>
    (
      byType[resource.Type] ??
      ((logicalId) => both(nameOf(logicalId), `unknown:${region}:${accountId}:${nameOf(logicalId)}`))
    )(id, resource.Properties ?? {});
  return {
    ref: (id, resource) => named(id, resource).ref,
    attribute: (id, resource, name) => {
      if (name === 'Arn' || name.endsWith('Arn')) return `arn:aws:${named(id, resource).arn}`;
      if (name === 'ApiEndpoint') return addresses.apiUrl;
      if (name === 'QueueName') return nameOf(id);
      if (resource.Type === 'AWS::StepFunctions::StateMachine' && name === 'Name')
        return named(id, resource).ref.split(':').at(-1) ?? id;
      return `${nameOf(id)}.${name}`;
    },
  };
}

function both(ref: string, arn: string): { ref: string; arn: string } {
  return { ref, arn };
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
