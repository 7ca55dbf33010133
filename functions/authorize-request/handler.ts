import { dynamodb } from '../../shared/adapters/aws-clients.ts';
import { dynamoKeyStore } from '../../shared/adapters/dynamo-key-store.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);

export const handler = createHandler(dynamoKeyStore(dynamodb(), env.REGISTRY_TABLE));
