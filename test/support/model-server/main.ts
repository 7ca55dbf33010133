#!/usr/bin/env node
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { JsonValue } from '../../../shared/domain/span.ts';
import { ModelServer } from './model-server.ts';
import { type Script, verdictFor } from './script.ts';

const usage = `usage: node test/support/model-server/main.ts [options]

A scripted model behind Bedrock's Converse, OpenAI's chat completions and Anthropic's messages.

  --port <n>             (default: any free one)
  --delay <ms>           before each answer (default 0)
  --fail <status=share>  e.g. 429=0.05; may be given several times. Which requests fail depends on their order alone
  --retry-after <s>      sent with those failures
  --verdict <json>       merged over the verdict that fits the schema, e.g. '{"result":"no"}'
  --invalid <share>      of answers that are no JSON

Prints its URL. GET /_seen tells how many requests came and what the providers would have refused.`;

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    delay: { type: 'string', default: '0' },
    fail: { type: 'string', multiple: true, default: [] },
    'retry-after': { type: 'string' },
    verdict: { type: 'string', default: '{}' },
    invalid: { type: 'string', default: '0' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (options.help) console.log(usage);
else console.log((await new ModelServer(script()).listen(Number(options.port))).url);

function script(): Script {
  const failures = options.fail.map((text) => text.split('=').map(Number));
  const overrides = JSON.parse(options.verdict) as Record<string, JsonValue>;
  const retryAfter = options['retry-after'];
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  const delayMs = Number(options.delay);
  return ({ count, schema }) => {
    let chance = chanceOf(count);
    for (const [status = 500, share = 0] of failures) {
      if (chance < share) return { delayMs, fails: { status, headers } };
      chance -= share;
    }
    if (chance < Number(options.invalid)) return { delayMs, text: 'I would rather not say it as JSON.' };
    const verdict = verdictFor(schema);
    return { delayMs, verdict: typeof verdict === 'object' ? { ...verdict, ...overrides } : verdict };
  };
}

/** From 0 to 1, the same for the same place in the order. */
function chanceOf(count: number): number {
  return createHash('sha256').update(String(count)).digest().readUInt32BE(0) / 2 ** 32;
}
