import type { SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { sqsArrivalQueue } from '../../../shared/adapters/sqs-arrival-queue.ts';
import { arrivalMessage, type SpansMessage } from '../../../shared/contracts/arrival-message.ts';

function aQueue(reply: object = {}) {
  const commands: unknown[] = [];
  const client = {
    async send(command: unknown) {
      commands.push(command);
      return reply;
    },
  };
  return { commands, queue: sqsArrivalQueue(client as unknown as SQSClient, 'https://sqs/arrivals') };
}

function entriesOf(command: unknown) {
  return (command as SendMessageBatchCommand).input.Entries ?? [];
}

test('sends what arrived as one message', async () => {
  const { queue, commands } = aQueue();
  const message: SpansMessage = {
    v: 1,
    kind: 'spans',
    experimentId: '0',
    receivedAt: 1,
    format: 'json',
    encoding: 'gzip',
    body: 'aGk=',
  };
  await queue.send(message);
  expect(commands).toHaveLength(1);
  const { input } = commands[0] as SendMessageCommand;
  expect(input.QueueUrl).toBe('https://sqs/arrivals');
  expect(arrivalMessage.parse(JSON.parse(input.MessageBody ?? ''))).toEqual(message);
});

test('sends settle messages ten at a time, delayed, each trace once', async () => {
  const { queue, commands } = aQueue();
  const traceIds = Array.from({ length: 23 }, (_, i) => `tr-${i}`);
  await queue.settle(traceIds, { delaySeconds: 5 });
  expect(commands.map((command) => entriesOf(command).length)).toEqual([10, 10, 3]);
  const entries = commands.flatMap(entriesOf);
  expect(entries.map(({ MessageBody }) => arrivalMessage.parse(JSON.parse(MessageBody ?? '')))).toEqual(
    traceIds.map((traceId) => ({ v: 1, kind: 'settle', traceId })),
  );
  expect(new Set(entries.map(({ DelaySeconds }) => DelaySeconds))).toEqual(new Set([5]));
  for (const command of commands)
    expect(new Set(entriesOf(command).map(({ Id }) => Id)).size).toBe(entriesOf(command).length);
});

test.each([
  [0, 0],
  [0.2, 1],
  [3_600, 900],
])('delays %d seconds by %d: whole seconds, at most what SQS takes', async (delaySeconds, expected) => {
  const { queue, commands } = aQueue();
  await queue.settle(['tr-1'], { delaySeconds });
  expect(entriesOf(commands[0])[0]?.DelaySeconds ?? 0).toBe(expected);
});

test('fails where SQS did not take one message of a batch', async () => {
  const { queue } = aQueue({ Failed: [{ Id: '1', Code: 'InternalError', SenderFault: false }] });
  await expect(queue.settle(['tr-1', 'tr-2'], { delaySeconds: 0 })).rejects.toThrow(
    'refused 1 of 2 messages: InternalError',
  );
});

test('calls nothing where there is nothing to settle', async () => {
  const { queue, commands } = aQueue();
  await queue.settle([], { delaySeconds: 5 });
  expect(commands).toEqual([]);
});
