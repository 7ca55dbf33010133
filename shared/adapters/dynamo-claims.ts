import { randomUUID } from 'node:crypto';
import { DeleteItemCommand, type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { isApplied } from './dynamo-conditional.ts';

/** Names of which each belongs to one experiment: an item a name says to which. */
export interface Claims {
  /** Who claimed the name, rightly or not. */
  read(key: ClaimKey): Promise<Claim | undefined>;
  /**
   * Claims a name for an experiment, which must have said before that it wants it. A claim that its holder does not stand by is
   * left over from a change that died, and is taken over. Answers whose the name is now.
   */
  take(key: ClaimKey, experimentId: string, isHeld: (holder: string) => Promise<boolean>): Promise<string>;
  /** Gives the name up, if nobody claimed it since, the experiment itself included. */
  release(key: ClaimKey, claim: Claim): Promise<void>;
}

interface ClaimKey {
  readonly pk: string;
  readonly sk: string;
}

interface Claim {
  readonly experimentId: string;
  /** Another with each claim; those of the first format have none. */
  readonly token?: string;
}

const attempts = 10;

export function dynamoClaims(client: DynamoDBClient, table: string): Claims {
  async function read(key: ClaimKey): Promise<Claim | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: marshall(key), ConsistentRead: true }),
    );
    return Item && (unmarshall(Item) as Claim);
  }

  const put = (key: ClaimKey, experimentId: string, condition: object) =>
    isApplied(
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: marshall({ ...key, v: 1, experimentId, token: randomUUID() }),
          ...condition,
        }),
      ),
    );

  return {
    read,

    async take(key, experimentId, isHeld) {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const known = await read(key);
        if (known && known.experimentId !== experimentId && (await isHeld(known.experimentId)))
          return known.experimentId;
        if (await put(key, experimentId, known ? stillIs(known) : { ConditionExpression: 'attribute_not_exists(pk)' }))
          return experimentId;
      }
      throw new Error(`${key.pk} ${key.sk} is being claimed by too many at once`);
    },

    async release(key, claim) {
      await isApplied(client.send(new DeleteItemCommand({ TableName: table, Key: marshall(key), ...stillIs(claim) })));
    },
  };
}

function stillIs({ experimentId, token }: Claim) {
  return {
    ConditionExpression: `experimentId = :holder AND ${token === undefined ? 'attribute_not_exists(#token)' : '#token = :token'}`,
    ExpressionAttributeNames: { '#token': 'token' },
    ExpressionAttributeValues: marshall({ ':holder': experimentId, ...(token !== undefined && { ':token': token }) }),
  };
}
