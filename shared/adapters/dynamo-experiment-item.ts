import { type DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { experimentKey, experimentNameKey, toExperimentItem } from '../contracts/registry-items.ts';
import { ApiError } from '../domain/api-error.ts';
import { defaultExperimentId, type Experiment } from '../domain/experiment.ts';
import { dynamoClaims } from './dynamo-claims.ts';
import { isApplied } from './dynamo-conditional.ts';

/** Always there, whether an item says so or not. */
export const defaultExperiment: Experiment = {
  experimentId: defaultExperimentId,
  name: 'Default',
  lifecycleStage: 'active',
  createdAt: 0,
  updatedAt: 0,
  tags: {},
};

interface Change {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly values: Readonly<Record<string, string | number>>;
}

/** The item of an experiment, as it is stored. */
export function dynamoExperimentItem(client: DynamoDBClient, table: string) {
  const keyOf = (experimentId: string) => marshall({ pk: experimentKey(experimentId), sk: 'meta' });

  const putNew = (experiment: Experiment, claimingTable?: string) =>
    isApplied(
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: marshall({ ...toExperimentItem(experiment), claimingTable }, { removeUndefinedValues: true }),
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      ),
    );

  /** Its name first: whoever finds the item finds the name taken. Answers whether the item is new. */
  async function putDefault(): Promise<boolean> {
    const claims = dynamoClaims(client, table);
    const key = experimentNameKey(defaultExperiment.name);
    if (!(await claims.read(key))) await claims.take(key, defaultExperimentId, async () => true);
    return putNew(defaultExperiment);
  }

  async function change(experimentId: string, { values, ...update }: Change): Promise<boolean> {
    const ExpressionAttributeValues = marshall(values);
    try {
      const command = { TableName: table, Key: keyOf(experimentId), ...update, ExpressionAttributeValues };
      return await isApplied(client.send(new UpdateItemCommand(command)));
    } catch (error) {
      if (!(error instanceof Error && /item size/i.test(error.message))) throw error;
      throw new ApiError(
        'INVALID_PARAMETER_VALUE',
        `the tags of experiment ${experimentId} would take more than 400 KB together: remove some first`,
      );
    }
  }

  return {
    putNew,
    putDefault,

    async read(experimentId: string): Promise<Record<string, unknown> | undefined> {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: table, Key: keyOf(experimentId), ConsistentRead: true }),
      );
      return Item && unmarshall(Item);
    },

    /** Answers whether the condition held; every condition asks for an item. Throws ApiError where it would become too large. */
    async update(experimentId: string, update: Change): Promise<boolean> {
      if (await change(experimentId, update)) return true;
      return experimentId === defaultExperimentId && (await putDefault()) && change(experimentId, update);
    },
  };
}
