import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { optionalInfoAttributes } from '../contracts/trace-item.ts';

/** A mark for settling that its message did not clear within this time is found by the sweep. */
export const settleGraceMs = 20_000;

export interface InfoUpdateOptions {
  readonly condition: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Attributes beside those of the info. */
  readonly also?: Readonly<Record<string, unknown>>;
}

/**
 * Rewrites what an info says and leaves the rest of the item: the ids of assessments, which others write meanwhile, and the mark for
 * settling. Every name stands behind a `#`: many of them are words that DynamoDB reserves.
 */
export function infoUpdate(
  table: string,
  item: Readonly<Record<string, unknown>>,
  { condition, values, also = {} }: InfoUpdateOptions,
): UpdateItemCommandInput {
  const { pk, sk, ...attributes } = { ...item, ...also };
  const set = Object.keys(attributes).filter((name) => attributes[name as keyof typeof attributes] !== undefined);
  const gone = optionalInfoAttributes.filter((name) => !set.includes(name));
  const remove = gone.length > 0 ? ` REMOVE ${gone.map((name) => `#${name}`).join(', ')}` : '';
  return {
    TableName: table,
    Key: marshall({ pk, sk }),
    UpdateExpression: `SET ${set.map((name) => `#${name} = :${name}`).join(', ')}${remove}`,
    ConditionExpression: condition,
    ExpressionAttributeNames: Object.fromEntries([...set, ...gone].map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: marshall(
      {
        ...Object.fromEntries(set.map((name) => [`:${name}`, attributes[name as keyof typeof attributes]])),
        ...values,
      },
      { removeUndefinedValues: true },
    ),
  };
}
