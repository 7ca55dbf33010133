import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe } from 'vitest';
import { createTables, type Tables } from '../dynamo-tables.ts';
import { localCredentials } from '../local-credentials.ts';
import { describeBackfills } from './backfills.ts';
import { describeFindingTraces } from './finding-traces.ts';
import { describeJudging } from './judging.ts';
import { describeRegistry } from './registry.ts';
import { describeRequestCounts } from './request-counts.ts';
import { describeRuns } from './runs.ts';
import { describeSessions } from './sessions.ts';
import { describeTraceEdits } from './trace-edits.ts';
import { describeTraceIndex } from './trace-index.ts';
import { describeTraceNeighbours } from './trace-neighbours.ts';

const suites = [
  describeTraceIndex,
  describeTraceEdits,
  describeTraceNeighbours,
  describeFindingTraces,
  describeRegistry,
  describeRuns,
  describeRequestCounts,
  describeJudging,
  describeSessions,
  describeBackfills,
];

/** Everything that the DynamoDB adapters promise. Each suite has tables of its own. */
export function describeDynamoAdapters(
  name: string,
  start: () => Promise<{ endpoint: string; stop(): Promise<void> }>,
): void {
  describe(name, () => {
    let engine: Awaited<ReturnType<typeof start>>;
    let client: DynamoDBClient;

    beforeAll(async () => {
      engine = await start();
      client = new DynamoDBClient({ endpoint: engine.endpoint, ...localCredentials });
    });

    afterAll(async () => {
      client?.destroy();
      await engine?.stop();
    });

    for (const suite of suites) {
      describe('with tables of its own', () => {
        let tables: Tables;
        beforeAll(async () => {
          tables = await createTables(client);
        });
        suite(name, () => tables);
      });
    }
  });
}
