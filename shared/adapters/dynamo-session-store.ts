import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  fromSessionItem,
  fromSessionItems,
  sessionActivity,
  sessionItemKey,
  toSessionOutcomeItem,
} from '../contracts/session-item.ts';
import type { DueSessions, SessionActivity, SessionStore } from '../domain/ports.ts';
import type { SessionRef } from '../domain/session.ts';
import { batchWrite } from './dynamo-batch.ts';
import { ifApplied, isApplied } from './dynamo-conditional.ts';
import { dynamoOpenWork } from './dynamo-open-work.ts';
import { queryItems } from './dynamo-query.ts';

/** Sessions that a scorer may select, beside the traces. They live as long as the trace store keeps their last trace. */
export function dynamoSessionStore(
  client: DynamoDBClient,
  table: string,
  options: { retentionDays: number },
): SessionActivity & SessionStore {
  const update = (session: SessionRef, rest: UpdateRest) => new UpdateItemCommand(sessionUpdate(table, session, rest));

  return {
    async note(session) {
      const activity = sessionActivity(session, options);
      const names = Object.keys(activity);
      await isApplied(
        client.send(
          update(session, {
            UpdateExpression: `SET ${names.map((name) => `${name} = :${name}`).join(', ')}`,
            ConditionExpression: 'attribute_not_exists(lastActivityAt) OR lastActivityAt < :lastActivityAt',
            values: Object.fromEntries(names.map((name) => [`:${name}`, activity[name]])),
          }),
        ),
      );
    },

    async read(session) {
      return fromSessionItems(await queryItems(client, { table, pk: sessionItemKey(session), consistent: true }));
    },

    async claim(request, { decision, now, leasedUntil }) {
      return isApplied(
        client.send(
          update(request, {
            UpdateExpression: 'SET decision = :decision, leasedUntil = :until',
            ConditionExpression:
              'lastActivityAt = :activity AND (attribute_not_exists(leasedUntil) OR leasedUntil <= :now)',
            values: { ':decision': decision, ':until': leasedUntil, ':now': now, ':activity': request.lastActivityAt },
          }),
        ),
      );
    },

    async putOutcomes(session, outcomes) {
      const puts = outcomes.map((outcome) =>
        marshall(toSessionOutcomeItem(session, outcome, options), { removeUndefinedValues: true }),
      );
      await batchWrite(client, { table, puts });
    },

    async release(request, { dueAt }) {
      const isStill = { ConditionExpression: 'lastActivityAt = :activity' };
      const values = { ':activity': request.lastActivityAt };
      const released = await isApplied(
        client.send(
          update(
            request,
            dueAt === undefined
              ? { ...isStill, UpdateExpression: 'REMOVE openWorkPk, dueAt, leasedUntil', values }
              : {
                  ...isStill,
                  UpdateExpression: 'SET dueAt = :due REMOVE leasedUntil',
                  values: { ...values, ':due': dueAt },
                },
          ),
        ),
      );
      if (released) return;
      const ended = { UpdateExpression: 'REMOVE leasedUntil', ConditionExpression: 'attribute_exists(pk)' };
      await isApplied(client.send(update(request, ended)));
    },
  };
}

/** What the sweep needs of them. */
export function dynamoDueSessions(client: DynamoDBClient, table: string): DueSessions {
  const listDue = dynamoOpenWork(client, table);
  return {
    async listDue(shard, options) {
      return (await listDue('session', shard, options)).flatMap((item) => item.pk?.S ?? []);
    },

    async postpone(key, { now, dueAt }) {
      const postponed = await ifApplied(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: marshall({ pk: key, sk: 'info' }),
            UpdateExpression: 'SET dueAt = :due',
            ConditionExpression: 'dueAt <= :now',
            ExpressionAttributeValues: marshall({ ':due': dueAt, ':now': now }),
            ReturnValues: 'ALL_NEW',
          }),
        ),
      );
      if (postponed?.Attributes === undefined) return undefined;
      const { experimentId, sessionId, lastActivityAt } = fromSessionItem(unmarshall(postponed.Attributes));
      return { experimentId, sessionId, lastActivityAt };
    },
  };
}

interface UpdateRest {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

function sessionUpdate(table: string, session: SessionRef, { values, ...expressions }: UpdateRest) {
  return {
    TableName: table,
    Key: marshall({ pk: sessionItemKey(session), sk: 'info' }),
    ...expressions,
    ...(values && { ExpressionAttributeValues: marshall(values, { removeUndefinedValues: true }) }),
  };
}
