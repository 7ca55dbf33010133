import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { toCoverageItem } from '../contracts/backfill-items.ts';
import type { CoverageStore } from '../domain/backfilling/ports.ts';
import { batchWrite } from './dynamo-batch.ts';

/** What was covered by which rate, in the registry beside the scorers. */
export function dynamoCoverageStore(client: DynamoDBClient, table: string): CoverageStore {
  return {
    async put(coverage) {
      const puts = coverage.map((one) => marshall(toCoverageItem(one), { removeUndefinedValues: true }));
      await batchWrite(client, { table, puts });
    },
  };
}
