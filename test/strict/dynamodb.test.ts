import { startDynamoDBLocal } from '../engines/dynamodb-local.ts';
import { describeDynamoAdapters } from '../support/suites/dynamo.ts';

describeDynamoAdapters('DynamoDB Local', startDynamoDBLocal);
