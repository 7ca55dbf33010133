import { DeleteItemCommand, type DynamoDBClient, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { assessmentSortKey, fromAssessmentItem, toAssessmentItem } from '../contracts/assessment-item.ts';
import type { Assessment } from '../domain/assessment.ts';
import { settleInParallel, valuesOf } from '../domain/in-parallel.ts';
import type { AssessmentStore } from '../domain/ports.ts';
import { maxKnownAssessments } from '../domain/trace.ts';
import { batchGet, joinedPuts } from './dynamo-batch.ts';
import { isApplied } from './dynamo-conditional.ts';
import { queryItems } from './dynamo-query.ts';

const queriesAtOnce = 8;

/**
 * Assessments, beside the trace that they are about. Their ids stand on the trace's own item, too, and do so first: a writer that dies
 * leaves an id of nothing, never an assessment that no search finds.
 */
export function dynamoAssessmentStore(
  client: DynamoDBClient,
  table: string,
  { retentionDays }: { retentionDays: number },
): AssessmentStore {
  const putAll = joinedPuts(client, table);
  const infoKey = (traceId: string) => marshall({ pk: traceId, sk: 'info' });

  /** Answers false where there is no such trace (any more). */
  async function announce(traceId: string, ids: readonly string[]): Promise<boolean> {
    const noted = await isApplied(
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: infoKey(traceId),
          UpdateExpression: 'ADD assessmentIds :ids',
          ConditionExpression:
            'attribute_exists(facts) AND (attribute_not_exists(assessmentIds) OR size(assessmentIds) < :max)',
          ExpressionAttributeValues: { ':ids': { SS: [...ids] }, ':max': { N: String(maxKnownAssessments) } },
        }),
      ),
    );
    return noted || exists(traceId);
  }

  async function exists(traceId: string): Promise<boolean> {
    const { Count = 0 } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND sk = :sk',
        FilterExpression: 'attribute_exists(facts)',
        ExpressionAttributeValues: marshall({ ':pk': traceId, ':sk': 'info' }),
        Select: 'COUNT',
        ConsistentRead: true,
      }),
    );
    return Count > 0;
  }

  async function list(traceId: string): Promise<readonly Assessment[]> {
    const items = await queryItems(client, { table, pk: traceId, prefix: 'assessment#', consistent: true });
    return items.map(fromAssessmentItem);
  }

  return {
    async put(assessments) {
      const byTrace = [...Map.groupBy(assessments, ({ traceId }) => traceId)];
      const task = ([traceId, group]: (typeof byTrace)[number]) =>
        announce(
          traceId,
          group.map(({ assessmentId }) => assessmentId),
        );
      const isThere = valuesOf(await settleInParallel(byTrace, { limit: queriesAtOnce, task }));
      const written = byTrace.flatMap(([, group], i) => (isThere[i] ? group : []));
      const puts = written.map((assessment) =>
        marshall(toAssessmentItem(assessment, { retentionDays }), { removeUndefinedValues: true }),
      );
      await putAll(puts);
      return written;
    },

    list,

    async listAll(infos) {
      const many = infos.filter(({ assessmentIds = [] }) => assessmentIds.length >= maxKnownAssessments);
      const keys = infos
        .filter((info) => !many.includes(info))
        .flatMap(({ traceId, assessmentIds = [] }) =>
          assessmentIds.map((id) => marshall({ pk: traceId, sk: assessmentSortKey(id) })),
        );
      const [items, queried] = await Promise.all([
        batchGet(client, { table, keys, consistent: true }),
        settleInParallel(many, { limit: queriesAtOnce, task: ({ traceId }) => list(traceId) }),
      ]);
      const found = items.map((item) => fromAssessmentItem(unmarshall(item)));
      return Map.groupBy([...found, ...valuesOf(queried).flat()].toSorted(byId), ({ traceId }) => traceId);
    },

    async remove(traceId, assessmentId) {
      const Key = marshall({ pk: traceId, sk: assessmentSortKey(assessmentId) });
      await client.send(new DeleteItemCommand({ TableName: table, Key }));
      await isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: infoKey(traceId),
            UpdateExpression: 'DELETE assessmentIds :ids',
            ConditionExpression: 'attribute_exists(facts)',
            ExpressionAttributeValues: { ':ids': { SS: [assessmentId] } },
          }),
        ),
      );
    },
  };
}

/** In the order in which they stand beside a trace. */
function byId(a: Assessment, b: Assessment): number {
  return a.assessmentId < b.assessmentId ? -1 : 1;
}
