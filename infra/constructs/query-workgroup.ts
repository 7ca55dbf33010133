import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import type { Construct } from 'constructs';

export interface QueryWorkgroupProps {
  readonly name: string;
  readonly description: string;
  /** What one query may read. */
  readonly scanCutoffBytes: number;
  /** `s3://…/` where results are written. */
  readonly outputLocation: string;
}

/** A workgroup for queries over the archive: whoever queries in it is bound by its settings. */
export function queryWorkgroup(
  scope: Construct,
  id: string,
  { name, description, scanCutoffBytes, outputLocation }: QueryWorkgroupProps,
): CfnWorkGroup {
  return new CfnWorkGroup(scope, id, {
    name,
    description,
    recursiveDeleteOption: true,
    workGroupConfiguration: {
      enforceWorkGroupConfiguration: true,
      publishCloudWatchMetricsEnabled: true,
      bytesScannedCutoffPerQuery: scanCutoffBytes,
      engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
      resultConfiguration: { outputLocation, encryptionConfiguration: { encryptionOption: 'SSE_S3' } },
    },
  });
}
