import { startDynalite } from '../../support/dynalite-endpoint.ts';
import { describeDynamoAdapters } from '../../support/suites/dynamo.ts';

describeDynamoAdapters('dynalite', startDynalite);
