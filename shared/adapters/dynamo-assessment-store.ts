import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { fromAssessmentItem, toAssessmentItem } from '../contracts/assessment-item.ts';
import type { Assessment } from '../domain/assessment.ts';
import type { AssessmentStore } from '../domain/ports.ts';
import { batchWrite } from './dynamo-batch.ts';

/** Assessments, beside the trace that they are about. */
export function dynamoAssessmentStore(
  client: DynamoDBClient,
  table: string,
  { retentionDays }: { retentionDays: number },
): AssessmentStore {
  return {
    async put(assessments) {
      const puts = assessments.map((assessment) =>
        marshall(toAssessmentItem(assessment, { retentionDays }), { removeUndefinedValues: true }),
      );
      await batchWrite(client, { table, puts });
    },

    async list(traceId) {
      const found: Assessment[] = [];
      const pages = paginateQuery(
        { client },
        {
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: marshall({ ':pk': traceId, ':prefix': 'assessment#' }),
          ConsistentRead: true,
        },
      );
      for await (const { Items = [] } of pages)
        found.push(...Items.map((item) => fromAssessmentItem(unmarshall(item))));
      return found;
    },
  };
}
