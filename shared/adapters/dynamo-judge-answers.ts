import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import type { JudgeAnswers } from '../domain/judging/reuse-answers.ts';
import { batchGet, type Item, joinedPuts } from './dynamo-batch.ts';
import { joinedCalls } from './joined-calls.ts';

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

/**
 * Answers of models in the judges' memory: one item an answer, put without a condition, for the same question has the same answer. What
 * judges of many traces read and write at a time, they read and write together.
 */
export function dynamoJudgeAnswers(client: DynamoDBClient, table: string): JudgeAnswers {
  const keyOf = (hash: string) => ({ pk: `answer#${hash}` });
  const putAll = joinedPuts(client, table);
  const getAll = joinedCalls(async (hashes: readonly string[]) => {
    const keys = [...new Set(hashes)].map((hash) => marshall(keyOf(hash)));
    const items = await batchGet(client, { table, keys, consistent: false });
    const byKey = new Map(items.map((item) => [item.pk?.S, item]));
    return hashes.map((hash): Item | undefined => byKey.get(keyOf(hash).pk));
  });
  return {
    async get(hash, now) {
      const [item] = await getAll([hash]);
      const found = item && answerItem.safeParse(unmarshall(item));
      // Of another format: a deployment before or after this one asks for itself.
      if (!found?.success || found.data.expiresAt * 1000 <= now) return undefined;
      const { text, usage } = found.data;
      return { text, usage };
    },

    async put(hash, { text, usage }, { until }) {
      const item: z.input<typeof answerItem> = { v: 1, text, usage, expiresAt: Math.floor(until / 1000) };
      await putAll([marshall({ ...keyOf(hash), ...item }, { removeUndefinedValues: true })]);
    },
  };
}
