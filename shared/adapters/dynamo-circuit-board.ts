import { DeleteItemCommand, type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { type Circuit, closed } from '../domain/judging/circuit.ts';
import type { CircuitBoard } from '../domain/judging/guard-models.ts';
import { isApplied } from './dynamo-conditional.ts';

const circuitItem = z.object({ openUntil: z.number(), openings: z.number(), probingUntil: z.number().default(0) });

/** A model that nobody has called for so long is tried by whoever calls it next. */
const keptSeconds = 3_600;

/** In the judges' memory, one item for each model that does not answer; none for the others. */
export function dynamoCircuitBoard(client: DynamoDBClient, table: string): CircuitBoard {
  const Key = (model: string) => marshall({ pk: `circuit#${model}` });
  return {
    async read(model): Promise<Circuit | undefined> {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: table, Key: Key(model), ConsistentRead: true }),
      );
      return Item && { ...closed, ...circuitItem.parse(unmarshall(Item)) };
    },

    async open(model, { openUntil, openings }) {
      await isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: Key(model),
            UpdateExpression:
              'SET openUntil = :until, openings = :openings, probingUntil = :none, expiresAt = :expiresAt',
            // Of many instances that see it fail the latest counts.
            ConditionExpression: 'attribute_not_exists(pk) OR openUntil < :until',
            ExpressionAttributeValues: marshall({
              ':until': openUntil,
              ':openings': openings,
              ':none': 0,
              ':expiresAt': Math.ceil(openUntil / 1000) + keptSeconds,
            }),
          }),
        ),
      );
    },

    claimProbe(model, { now, until }) {
      return isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: Key(model),
            UpdateExpression: 'SET probingUntil = :until',
            // Where it has been closed meanwhile there is nothing to try: the next look at the board tells.
            ConditionExpression: 'openUntil <= :now AND probingUntil <= :now',
            ExpressionAttributeValues: marshall({ ':until': until, ':now': now }),
          }),
        ),
      );
    },

    async releaseProbe(model, { until }) {
      await isApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: Key(model),
            UpdateExpression: 'SET probingUntil = :none',
            ConditionExpression: 'probingUntil = :until',
            ExpressionAttributeValues: marshall({ ':until': until, ':none': 0 }),
          }),
        ),
      );
    },

    async close(model) {
      await client.send(new DeleteItemCommand({ TableName: table, Key: Key(model) }));
    },
  };
}
