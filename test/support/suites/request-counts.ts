import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from 'vitest';
import { dynamoRequestCounts } from '../../../shared/adapters/dynamo-request-counts.ts';
import { requestLimiter } from '../../../shared/domain/limit-requests.ts';
import type { RequestCounts } from '../../../shared/domain/ports.ts';
import type { Tables } from '../dynamo-tables.ts';

const second = 1_700_000_000;

export function describeRequestCounts(engine: string, tables: () => Tables): void {
  describe(`the request counts on ${engine}`, () => {
    let counts: RequestCounts;
    beforeAll(() => {
      counts = dynamoRequestCounts(tables().client, tables().requestCounts);
    });

    test('answer what was counted before, of each key in each second, and are forgotten', async () => {
      const add = (requests: number, keyHash = 'a', at = second) => counts.add({ keyHash, second: at, requests });
      expect([await add(5), await add(3), await add(1)]).toEqual([0, 5, 8]);
      expect([await add(1, 'b'), await add(1, 'a', second + 1)]).toEqual([0, 0]);
      const { client, requestCounts } = tables();
      const { Items = [] } = await client.send(new ScanCommand({ TableName: requestCounts }));
      expect(Items).toHaveLength(3);
      expect(Items.map(({ expiresAt }) => Number(expiresAt?.N)).filter((at) => at > second)).toHaveLength(3);
    });

    test('hold many instances at once to the limit', async () => {
      const limiters = Array.from({ length: 8 }, () => requestLimiter({ counts, now: () => second * 1000 }));
      const asks = limiters.map(async (isWithin) => {
        let served = 0;
        for (let i = 0; i < 40; i++) if (await isWithin({ keyHash: 'many', perSecond: 100 })) served++;
        return served;
      });
      const served = (await Promise.all(asks)).reduce((sum, each) => sum + each, 0);
      expect(served).toBeLessThanOrEqual(100);
      expect(served).toBeGreaterThanOrEqual(50);
    });
  });
}
