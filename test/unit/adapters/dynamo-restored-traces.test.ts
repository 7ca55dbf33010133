import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { dynamoRestoredTraces } from '../../../shared/adapters/dynamo-restored-traces.ts';
import { dynamoTraceReader } from '../../../shared/adapters/dynamo-trace-reader.ts';
import { dynamoTraceRemover } from '../../../shared/adapters/dynamo-trace-remover.ts';
import { dynamoTraceSearch } from '../../../shared/adapters/dynamo-trace-search.ts';
import { aTraceInfo, noon } from '../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../support/builders/an-assessment.ts';
import { dynaliteTables } from '../../support/dynalite-tables.ts';

const tables = dynaliteTables();
let client: DynamoDBClient;
let table: string;
beforeAll(() => {
  ({ client, traces: table } = tables());
});

function aRestoredTrace() {
  const assessment = anAssessment();
  const info = aTraceInfo({ traceId: assessment.traceId, assessmentIds: [assessment.assessmentId] });
  const { traceId } = info;
  const outcome = {
    traceId,
    scorerName: 'length',
    scorerVersion: 1,
    state: 'done' as const,
    revision: 1,
    finishedAt: 5,
  };
  return { info, assessments: [assessment], outcomes: [outcome] };
}

const restored = () => dynamoRestoredTraces(client, table, { retentionDays: 30 });

async function itemsOf(traceId: string) {
  const query = {
    TableName: table,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: traceId } },
  };
  const { Items = [] } = await client.send(new QueryCommand(query));
  return Items.map((item) => unmarshall(item));
}

describe('a restored trace', () => {
  it('is found and read as any other, and expires as a whole, counted from its restoration', async () => {
    const trace = aRestoredTrace();
    const { traceId } = trace.info;
    await restored().add([trace]);
    const record = await dynamoTraceReader(client, table).readTrace(traceId);
    expect(record).toMatchObject({ info: trace.info, assessments: trace.assessments, outcomes: trace.outcomes });
    const query = { experimentIds: ['7'], from: noon, to: noon, limit: 10 };
    const found = await dynamoTraceSearch(client, table).find(query);
    expect(found.map((one) => one.traceId)).toContain(traceId);
    const expiring = (await itemsOf(traceId)).map(({ expiresAt }) => expiresAt);
    expect(expiring).toEqual(expiring.map(() => noon / 1000 + 30 * 86_400));
    expect(expiring).toHaveLength(3);
  });

  it('does not overwrite what is there, and completes what a dead one has begun', async () => {
    const trace = aRestoredTrace();
    const { traceId } = trace.info;
    await restored().add([{ ...trace, info: { ...trace.info, revision: 8 } }]);
    const other = { ...trace.assessments[0], value: 'new' } as (typeof trace.assessments)[number];
    const more = anAssessment({ traceId });
    await restored().add([{ ...trace, assessments: [other, more] }]);
    const record = await dynamoTraceReader(client, table).readTrace(traceId);
    expect(record?.info.revision).toBe(8);
    expect(record?.assessments.map(({ value }) => value)).toEqual([true, true]);
  });

  it('leaves its day among those that are searched, however long others keep it', async () => {
    const info = (lastArrivalAt: number) => ({ ...aTraceInfo(), experimentId: 'days', lastArrivalAt });
    const add = (at: number) => restored().add([{ ...aRestoredTrace(), info: info(at) }]);
    const until = async () => (await itemsOf('days#days')).map(({ expiresAt }) => expiresAt);
    await add(noon + 86_400_000);
    const [expected] = await until();
    expect(expected).toBe(noon / 1000 + 33 * 86_400);
    await add(noon);
    expect(await until()).toEqual([expected]);
    await add(noon + 2 * 86_400_000);
    expect(await until()).toEqual([expected + 86_400]);
  });

  it('takes the place of what has expired and is still there, and of nothing else', async () => {
    const trace = aRestoredTrace();
    const { traceId, lastArrivalAt } = trace.info;
    await restored().add([trace]);
    const again = (days: number) => ({
      ...trace,
      info: { ...trace.info, revision: 8, lastArrivalAt: lastArrivalAt + days * 86_400_000 },
    });
    await restored().add([again(29)]);
    expect((await dynamoTraceReader(client, table).readTrace(traceId))?.info.revision).toBe(trace.info.revision);
    await restored().add([again(31)]);
    const record = await dynamoTraceReader(client, table).readTrace(traceId);
    expect(record).toMatchObject({ info: { revision: 8 }, outcomes: trace.outcomes });
    const expiring = (await itemsOf(traceId)).map(({ expiresAt }) => expiresAt);
    expect(expiring).toEqual(expiring.map(() => noon / 1000 + 61 * 86_400));
    expect(expiring).toHaveLength(3);
  });

  it('is not made of a tombstone', async () => {
    const trace = aRestoredTrace();
    const { traceId } = trace.info;
    await restored().add([trace]);
    await dynamoTraceRemover(client, table, { retentionDays: 30 }).bury(traceId, { now: noon, dueAt: noon });
    await restored().add([trace]);
    await restored().add([{ ...trace, info: { ...trace.info, lastArrivalAt: noon + 31 * 86_400_000 } }]);
    expect(await dynamoTraceReader(client, table).readTrace(traceId)).toBeUndefined();
  });
});
