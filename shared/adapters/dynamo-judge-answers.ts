import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import type { JudgeAnswers } from '../domain/judging/reuse-answers.ts';

const answerItem = z.object({
  v: z.literal(1),
  text: z.string(),
  usage: z.object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    cacheReadTokens: z.number().optional(),
    cacheWriteTokens: z.number().optional(),
  }),
  /** Epoch seconds. TTL deletes some time after: whoever reads looks at it, too. */
  expiresAt: z.number(),
});

/** Answers of models in the judges' memory: one item an answer, put without a condition, for the same question has the same answer. */
export function dynamoJudgeAnswers(client: DynamoDBClient, table: string): JudgeAnswers {
  const keyOf = (hash: string) => ({ pk: `answer#${hash}` });
  return {
    async get(hash, now) {
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: marshall(keyOf(hash)) }));
      const found = Item && answerItem.safeParse(unmarshall(Item));
      // Of another format: a deployment before or after this one asks for itself.
      if (!found?.success || found.data.expiresAt * 1000 <= now) return undefined;
      const { text, usage } = found.data;
      return { text, usage };
    },

    async put(hash, { text, usage }, { until }) {
      const item: z.input<typeof answerItem> = { v: 1, text, usage, expiresAt: Math.floor(until / 1000) };
      const Item = marshall({ ...keyOf(hash), ...item }, { removeUndefinedValues: true });
      await client.send(new PutItemCommand({ TableName: table, Item }));
    },
  };
}
