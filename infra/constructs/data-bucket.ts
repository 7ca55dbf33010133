import { RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

export interface DataBucketProps {
  readonly ephemeral: boolean;
  readonly lifecycleRules: LifecycleRule[];
  readonly accessLogs: { readonly bucket: Bucket; readonly prefix: string } | 'this-is-the-log-bucket';
}

/** A private, encrypted bucket: the only way to make one. */
export function dataBucket(
  scope: Construct,
  id: string,
  { ephemeral, lifecycleRules, accessLogs }: DataBucketProps,
): Bucket {
  return new Bucket(scope, id, {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    lifecycleRules,
    removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    autoDeleteObjects: ephemeral,
    ...(accessLogs !== 'this-is-the-log-bucket' && {
      serverAccessLogsBucket: accessLogs.bucket,
      serverAccessLogsPrefix: accessLogs.prefix,
    }),
  });
}
