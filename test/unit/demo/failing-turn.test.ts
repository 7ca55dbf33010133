import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { rootOf } from '../../../demo/scorers.ts';
import { answerTurn } from '../../../demo/support-agent/agent.ts';
import { startTelemetry } from '../../../demo/support-agent/telemetry.ts';
import { memoryExporter } from './an-application-run.ts';

test('a model that is overloaded fails the turn: the chat and the root are errors that say so, and there is no answer', async () => {
  const server = createServer((_, response) => response.writeHead(503).end('overloaded')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const exporter = memoryExporter();
  const telemetry = startTelemetry(exporter, { seed: '1' });
  const modelUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const turn = { sessionId: 's', userId: 'u', turn: 1, question: 'Thank you!', history: [] };
  const answer = telemetry.inPlace('s/1', () =>
    answerTurn(turn, { tracer: telemetry.tracer, modelUrl, model: 'scripted-1', seed: '1' }),
  );
  await expect(answer).rejects.toThrow('model answered 503: overloaded');
  await telemetry.shutdown();
  server.close();
  const failed = exporter.spans.filter(({ status }) => status.code === 2);
  expect(failed.map(({ name }) => name)).toEqual(['chat scripted-1', 'invoke_agent support-agent']);
  expect(failed[0]?.events).toMatchObject([{ name: 'exception' }]);
  expect(rootOf(exporter.spans)?.attributes).not.toHaveProperty('gen_ai.output.messages');
});
