import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';

/** Whether a conditional write's condition held. */
export async function isApplied(write: Promise<unknown>): Promise<boolean> {
  return (await ifApplied(write.then(() => true))) ?? false;
}

/** What a conditional write answered; undefined where its condition did not hold. */
export async function ifApplied<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
