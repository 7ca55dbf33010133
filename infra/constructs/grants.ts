import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { DeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

// The library's grantReadData, grantWrite and their like give more than a function calls. These give just that.

/** The named operations on the table itself; with `indexes` also on those. */
export function grantTable(
  table: TableV2,
  grantee: IGrantable,
  operations: readonly string[],
  indexes: readonly string[] = [],
): void {
  const actions = operations.map((operation) => `dynamodb:${operation}`);
  const statement = new PolicyStatement({ actions, resources: [table.tableArn] });
  grantee.grantPrincipal.addToPrincipalPolicy(statement);
  if (indexes.length === 0) return;
  const resources = indexes.map((index) => `${table.tableArn}/index/${index}`);
  grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: ['dynamodb:Query'], resources }));
}

/** Objects under the given prefixes, which end with `/*`. */
export function grantObjects(
  bucket: IBucket,
  lambda: NodejsFunction,
  {
    read = [],
    write = [],
    remove = [],
  }: { read?: readonly string[]; write?: readonly string[]; remove?: readonly string[] },
): void {
  const under = (prefixes: readonly string[]) => prefixes.map((prefix) => bucket.arnForObjects(prefix));
  if (read.length > 0)
    lambda.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: under(read) }));
  if (write.length > 0)
    lambda.addToRolePolicy(new PolicyStatement({ actions: ['s3:PutObject'], resources: under(write) }));
  if (remove.length > 0)
    lambda.addToRolePolicy(new PolicyStatement({ actions: ['s3:DeleteObject'], resources: under(remove) }));
  for (const prefix of new Set([...read, ...write, ...remove])) acknowledgePrefix(bucket, { lambda, prefix });
}

function acknowledgePrefix(bucket: IBucket, { lambda, prefix }: { lambda: NodejsFunction; prefix: string }): void {
  const id = `AwsSolutions-IAM5[Resource::${exportName(bucket)}/${prefix}]`;
  Validations.of(lambda).acknowledge({ id, reason: `objects under ${prefix} have keys that are made at run time` });
}

/** The name by which cdk-nag knows the ARN of another stack's bucket. */
export function exportName(bucket: IBucket): string {
  const imported = bucket.stack.resolve(bucket.stack.exportValue(bucket.bucketArn)) as { 'Fn::ImportValue': string };
  return imported['Fn::ImportValue'];
}

export function grantSendMessages(queue: IQueue, grantee: IGrantable): void {
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }),
  );
}

/** Invocation of functions whose names begin so; versions and aliases of them, too. */
export function grantInvokeByPrefix(scope: Construct, lambda: NodejsFunction, prefix: string): void {
  const arn = Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: `${prefix}*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  lambda.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [arn] }));
  Validations.of(lambda).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:${prefix}*]`,
    reason: 'users name functions of theirs so to let them judge traces; which ones is not known here',
  });
}

export function grantPutRecords(stream: DeliveryStream, grantee: IGrantable): void {
  stream.grant(grantee, 'firehose:PutRecordBatch');
}

/** To say when a message that was received comes back. */
export function grantDelayMessages(queue: IQueue, grantee: IGrantable): void {
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['sqs:ChangeMessageVisibility'], resources: [queue.queueArn] }),
  );
}
