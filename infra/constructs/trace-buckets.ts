import { Duration, Validations } from 'aws-cdk-lib';
import type { Bucket, LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { dataBucket } from './data-bucket.ts';
import { deadLetterRetention, messageRetention } from './work-queue.ts';

/** Of the files of slices, and of what was decided about them. */
export const backfillsPrefix = 'backfills/';

/** Where Athena writes what backfills ask it for. */
export const unloadedPrefix = 'unloaded/';

/** The trace store, the archive, and the log of who read them. */
export class TraceBuckets extends Construct {
  readonly traceStore: Bucket;
  readonly archive: Bucket;

  constructor(scope: Construct, id: string, { ephemeral, traceRetentionDays }: StageConfig) {
    super(scope, id);
    const logs = dataBucket(this, 'AccessLogs', {
      ephemeral,
      accessLogs: 'this-is-the-log-bucket',
      lifecycleRules: [expire('', Duration.days(90))],
    });
    Validations.of(logs).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'this is the bucket that the access logs go to',
    });
    this.traceStore = dataBucket(this, 'TraceStore', {
      ephemeral,
      accessLogs: { bucket: logs, prefix: 'trace-store/' },
      lifecycleRules: [
        // A day longer than the index items, which a sweep or a scorer may still read on their last day.
        expire('segments/', Duration.days(traceRetentionDays + 1)),
        expire('restored/', Duration.days(traceRetentionDays + 1)),
        expire('attachments/', Duration.days(traceRetentionDays + 1)),
        // A body must outlive every message that points to it.
        expire('inbox/', Duration.days(messageRetention.toDays() + deadLetterRetention.toDays() + 1)),
        expire('answers/', Duration.days(1)),
        // As long as an execution keeps its history: what was stopped can be resumed.
        expire(backfillsPrefix, Duration.days(90)),
        // Copies of traces, which may be deleted meanwhile: only until they are restored.
        expire(unloadedPrefix, Duration.days(3)),
      ],
    });
    this.archive = dataBucket(this, 'Archive', {
      ephemeral,
      accessLogs: { bucket: logs, prefix: 'archive/' },
      lifecycleRules: [expire('athena-results/', Duration.days(7))],
    });
  }
}

function expire(prefix: string, expiration: Duration): LifecycleRule {
  const uploads = { abortIncompleteMultipartUploadAfter: Duration.days(1) };
  return { ...(prefix && { prefix }), expiration, ...uploads };
}
