import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  type GlobalSecondaryIndexPropsV2,
  ProjectionType,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

export interface TraceTablesProps {
  readonly ephemeral: boolean;
}

/** The index of traces and the registry of what watches them. */
export class TraceTables extends Construct {
  readonly traces: TableV2;
  readonly registry: TableV2;

  constructor(scope: Construct, id: string, { ephemeral }: TraceTablesProps) {
    super(scope, id);
    const common = {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      deletionProtection: !ephemeral,
    };
    this.traces = new TableV2(this, 'Traces', {
      ...common,
      timeToLiveAttribute: 'expiresAt',
      globalSecondaryIndexes: [
        keysOnly('by-time', 'timePk', { name: 'timeSk', type: AttributeType.STRING }),
        keysOnly('by-session', 'sessionPk', { name: 'sessionSk', type: AttributeType.STRING }),
        keysOnly('by-client-request', 'clientRequestPk', { name: 'clientRequestSk', type: AttributeType.STRING }),
        keysOnly('open-work', 'openWorkPk', { name: 'dueAt', type: AttributeType.NUMBER }),
      ],
    });
    this.registry = new TableV2(this, 'Registry', { ...common, timeToLiveAttribute: 'expiresAt' });
  }
}

/** Keys only: such an index is small, and not rewritten when other attributes change. */
function keysOnly(
  indexName: string,
  partitionKey: string,
  sortKey: { name: string; type: AttributeType },
): GlobalSecondaryIndexPropsV2 {
  return {
    indexName,
    partitionKey: { name: partitionKey, type: AttributeType.STRING },
    sortKey,
    projectionType: ProjectionType.KEYS_ONLY,
  };
}
