import { setTimeout as sleep } from 'node:timers/promises';
import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { isThrottlingError } from '@smithy/core/retry';
import { budgetsKey, countsOf, fromBudgetsItem, toBudgetList } from '../contracts/budget-item.ts';
import { type BookEntry, type BudgetLimits, type BudgetStore, boundsOf, monthOf } from '../domain/judging/budget.ts';
import { isApplied } from './dynamo-conditional.ts';

const noBook = { version: 0, day: '1970-01-01', reservedAt: 0, budgets: [] };
const attempts = 5;

/**
 * Budgets in the registry. `book` gives back as well as takes: repeated after an answer that got lost, it would give back twice. The
 * client that books must therefore not repeat calls; what DynamoDB throttled was not applied and is repeated here. All else may be repeated.
 */
export function dynamoBudgetStore(
  client: DynamoDBClient,
  table: string,
  { booking = client }: { booking?: DynamoDBClient } = {},
): BudgetStore {
  async function update(experimentId: string, { by = client, ...update }: Update): Promise<boolean> {
    const { set = [], add = [], remove = [], conditions, values } = update;
    const clauses = [
      set.length > 0 && `SET ${set.join(', ')}`,
      add.length > 0 && `ADD ${add.join(', ')}`,
      remove.length > 0 && `REMOVE ${remove.join(', ')}`,
    ];
    const command = new UpdateItemCommand({
      TableName: table,
      Key: marshall(budgetsKey(experimentId)),
      UpdateExpression: clauses.filter(Boolean).join(' '),
      ConditionExpression: conditions.join(' AND '),
      ExpressionAttributeNames: { '#day': 'day' },
      ExpressionAttributeValues: marshall(values, { removeUndefinedValues: true }),
    });
    return isApplied(by.send(command));
  }

  return {
    async read(experimentId) {
      const Key = marshall(budgetsKey(experimentId));
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
      return Item ? fromBudgetsItem(experimentId, unmarshall(Item)) : { experimentId, ...noBook };
    },

    async book(entry, limits) {
      if ((await booking.config.maxAttempts()) !== 1)
        throw new Error(
          'budgets are booked with a client that makes one attempt: a repeated one would give back twice',
        );
      for (let attempt = 1; ; attempt++) {
        try {
          return await update(entry.experimentId, { ...toUpdate(entry, limits), by: booking });
        } catch (error) {
          if (attempt === attempts || !isThrottlingError(error as Parameters<typeof isThrottlingError>[0])) throw error;
          await sleep(50 * 2 ** attempt);
        }
      }
    },

    turn(book, day) {
      const isNewMonth = monthOf(day) > monthOf(book.day);
      const over = countsOf.filter(({ of }) => of === 'day' || (of === 'month' && isNewMonth));
      return update(book.experimentId, {
        set: ['#day = :day', ...book.budgets.flatMap(({ id }) => over.map(({ letters }) => `${id}${letters} = :zero`))],
        conditions: ['#day = :was', 'version = :version'],
        values: {
          ':day': day,
          ':was': book.day,
          ':version': book.version,
          ...(book.budgets.length > 0 && { ':zero': 0 }),
        },
      });
    },

    replace(book, budgets) {
      const isIn = (list: readonly { readonly id: string }[], id: string) => list.some((each) => each.id === id);
      const countersOf = (list: readonly { readonly id: string }[]) =>
        list.flatMap(({ id }) => countsOf.map(({ letters }) => `${id}${letters}`));
      const added = countersOf(budgets.filter(({ id }) => !isIn(book.budgets, id)));
      return update(book.experimentId, {
        set: [
          'v = :format',
          'budgets = :budgets',
          'version = :next',
          '#day = if_not_exists(#day, :day)',
          'reservedAt = if_not_exists(reservedAt, :reservedAt)',
          ...added.map((name) => `${name} = :zero`),
        ],
        remove: countersOf(book.budgets.filter(({ id }) => !isIn(budgets, id))),
        conditions: [book.version === 0 ? 'attribute_not_exists(pk)' : 'version = :version'],
        values: {
          ':format': 1,
          ':budgets': toBudgetList(budgets),
          ':next': book.version + 1,
          ':day': book.day,
          ':reservedAt': book.reservedAt,
          ...(added.length > 0 && { ':zero': 0 }),
          ...(book.version > 0 && { ':version': book.version }),
        },
      });
    },
  };
}

interface Update {
  readonly by?: DynamoDBClient;
  readonly set?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly conditions: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
}

/** Names begin with a letter and are no reserved words: they need no placeholder, and thirty budgets fit an expression of 4 KB. */
function toUpdate(
  { version, day, reservedAt, quietSince, lines }: BookEntry,
  limits: ReadonlyMap<string, BudgetLimits>,
): Update {
  const set: string[] = [];
  const add: string[] = [];
  const conditions = ['version = :version', '#day = :day'];
  const values: Record<string, unknown> = { ':version': version, ':day': day };
  if (reservedAt !== undefined) {
    set.push('reservedAt = :at');
    values[':at'] = reservedAt;
  }
  if (quietSince !== undefined) {
    conditions.push('reservedAt = :since');
    values[':since'] = quietSince;
  }
  /** Day and month mostly take the same. */
  const placeholders = new Map<number, string>();
  const placeholderOf = (value: number) => {
    const name = placeholders.get(value) ?? `:${placeholders.size}`;
    placeholders.set(value, name);
    values[name] = value;
    return name;
  };
  for (const line of lines) {
    for (const { letters, of, unit } of countsOf) {
      const [name, value] = [`${line.id}${letters}`, line[of][unit]];
      if (of === 'open' && quietSince !== undefined) set.push(`${name} = ${placeholderOf(value)}`);
      else if (value !== 0) add.push(`${name} ${placeholderOf(value)}`);
    }
    if (reservedAt === undefined) continue;
    for (const { period, unit, most } of boundsOf(limits.get(line.id) ?? {})) {
      const letters = countsOf.find((count) => count.of === period && count.unit === unit)?.letters;
      conditions.push(`${line.id}${letters} <= ${placeholderOf(most - line[period][unit])}`);
    }
  }
  return { set, add, conditions, values };
}
