import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { HttpResponse } from '@smithy/core/protocols';
import { expect, it } from 'vitest';
import { dynamoBudgetStore } from '../../../../shared/adapters/dynamo-budget-store.ts';

/** A client whose service fails, and how often it was asked. */
function aFailingClient(maxAttempts: number) {
  const asked: string[] = [];
  const client = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts,
    requestHandler: {
      handle: async ({ headers }: { headers: Record<string, string> }) => {
        asked.push(headers['x-amz-target']?.split('.')[1] ?? '');
        return { response: new HttpResponse({ statusCode: 500, headers: {}, body: undefined }) };
      },
    } as never,
  });
  return { client, asked };
}

it('asks again for what may be asked twice, and books once', async () => {
  const [patient, once] = [aFailingClient(3), aFailingClient(1)];
  const store = dynamoBudgetStore(patient.client, 'registry', { booking: once.client });
  const book = { experimentId: '7', version: 1, day: '2026-06-01', reservedAt: 0, budgets: [] };
  const amount = { nanoUsd: 1, tokens: 1 };
  const lines = [{ id: 'b1', day: amount, month: amount, open: amount }];
  await expect(store.read('7')).rejects.toThrow();
  await expect(store.turn(book, '2026-06-02')).rejects.toThrow();
  await expect(store.book({ ...book, lines }, new Map())).rejects.toThrow();
  expect(patient.asked).toEqual([...Array(3).fill('GetItem'), ...Array(3).fill('UpdateItem')]);
  expect(once.asked).toEqual(['UpdateItem']);
});
