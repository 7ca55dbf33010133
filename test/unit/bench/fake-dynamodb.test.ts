import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoAssessmentStore } from '../../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoTraceIndex } from '../../../shared/adapters/dynamo-trace-index.ts';
import { FakeAws } from '../../bench/fake-aws.ts';
import { tableKeys } from '../../bench/functions.ts';
import { aTraceInfo, noon } from '../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../support/builders/an-assessment.ts';
import { synthesizedTables, type Tables } from '../../support/dynamo-tables.ts';
import { localCredentials } from '../../support/local-credentials.ts';
import { describeFindingTraces } from '../../support/suites/finding-traces.ts';

const aws = new FakeAws();
let tables: Tables;

beforeAll(async () => {
  const endpoint = `http://127.0.0.1:${await aws.listen()}`;
  const client = new DynamoDBClient({ endpoint, ...localCredentials });
  tables = {
    client,
    traces: 'traces',
    registry: 'registry',
    requestCounts: 'requestCounts',
    judgeMemory: 'judgeMemory',
  };
});

afterAll(async () => {
  tables.client.destroy();
  await aws.close();
});

describe('with the tables of the stack', () => {
  beforeAll(() => {
    aws.knowTables(new Map(Object.entries(synthesizedTables()).map(([name, each]) => [name, tableKeys(each)])));
  });

  describeFindingTraces("the bench's fake", () => tables);

  const unitsOf = async (write: Promise<unknown>) => {
    const before = aws.dynamodb.consumed.writeUnits;
    await write;
    return aws.dynamodb.consumed.writeUnits - before;
  };

  it('counts what rewriting a trace costs in the table and in the indexes whose keys change', async () => {
    const index = dynamoTraceIndex(tables.client, 'traces', { retentionDays: 30 });
    const info = aTraceInfo();
    await index.foundTraces([info]);
    expect(await unitsOf(index.replaceInfo({ ...info, revision: 2 }, 1))).toBe(1);
    expect(await unitsOf(index.replaceInfo({ ...info, revision: 3, dueAt: noon }, 2)), 'enters open-work').toBe(2);
    expect(await unitsOf(index.replaceInfo({ ...info, revision: 4 }, 3)), 'leaves it').toBe(2);
    expect(await index.getInfos([info.traceId])).toEqual(new Map([[info.traceId, { ...info, revision: 4 }]]));
  });

  it('keeps the ids of assessments on their trace, each once', async () => {
    const index = dynamoTraceIndex(tables.client, 'traces', { retentionDays: 30 });
    const assessments = dynamoAssessmentStore(tables.client, 'traces', { retentionDays: 30 });
    const info = aTraceInfo();
    const [first, second] = [anAssessment({ traceId: info.traceId }), anAssessment({ traceId: info.traceId })];
    await index.foundTraces([info]);
    for (const each of [first, second, first]) await assessments.put([each]);
    const { info: known } = (await index.readTrace(info.traceId)) ?? {};
    expect(known?.assessmentIds).toEqual([first.assessmentId, second.assessmentId].toSorted());
    expect(await assessments.list(info.traceId)).toHaveLength(2);
    expect((await assessments.listAll([info, known as typeof info])).get(info.traceId)).toHaveLength(2);
  });
});
