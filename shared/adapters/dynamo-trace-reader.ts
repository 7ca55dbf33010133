import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { fromAssessmentItem } from '../contracts/assessment-item.ts';
import { fromBlockItem, fromEvaluationItem, fromInfoItem } from '../contracts/trace-item.ts';
import type { TraceReader, TraceRecord } from '../domain/ports.ts';
import { batchGet } from './dynamo-batch.ts';
import { queryItems } from './dynamo-query.ts';

/** Reading the traces table. */
export function dynamoTraceReader(client: DynamoDBClient, table: string): TraceReader {
  return {
    async getInfos(traceIds) {
      const keys = traceIds.map((pk) => marshall({ pk, sk: 'info' }));
      const items = await batchGet(client, { table, keys, consistent: true });
      const infos = items.filter(isTrace).map((item) => fromInfoItem(unmarshall(item)));
      return new Map(infos.map((info) => [info.traceId, info]));
    },

    async readTrace(traceId) {
      return toRecord(await queryItems(client, { table, pk: traceId, consistent: true }));
    },
  };
}

/** A deleted trace leaves an item without facts. */
function isTrace(item: Readonly<Record<string, unknown>>): boolean {
  return item.facts !== undefined;
}

function toRecord(items: readonly Record<string, unknown>[]): TraceRecord | undefined {
  const info = items.find(({ sk }) => sk === 'info');
  if (info === undefined || !isTrace(info)) return undefined;
  const under = (prefix: string) => items.filter(({ sk }) => String(sk).startsWith(prefix));
  return {
    info: fromInfoItem(info),
    hasMerged: under('block#').some(({ merged }) => merged),
    unsettled: info.unsettledUntil !== undefined,
    unmerged: under('block#')
      .filter(({ merged }) => !merged)
      .map(fromBlockItem),
    foreignBlocks: under('foreign#').map(fromBlockItem),
    outcomes: under('evaluation#').map(fromEvaluationItem),
    assessments: under('assessment#').map(fromAssessmentItem),
  };
}
