import { Gateway } from '../../local/gateway/gateway.ts';
import { startDynamoDB } from '../../local/services/dynamodb.ts';

/** The DynamoDB of the local stack: dynalite behind the gateway that translates PartiQL. */
export async function startDynalite(): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const dynamodb = await startDynamoDB([], {});
  const gateway = new Gateway({
    resources: () => [],
    callers: new Map(),
    upstreams: new Map([['dynamodb', dynamodb.port]]),
    services: dynamodb.translations,
    control: () => undefined,
  });
  const port = await gateway.listen();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: async () => {
      await gateway.close();
      await dynamodb.close();
    },
  };
}
