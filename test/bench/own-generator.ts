import { createHash } from 'node:crypto';

const words =
  'the customer asked whether a refund for order can be issued because delivery was late and agent checked policy then offered voucher flight seat booking payment card window luggage change'.split(
    ' ',
  );

/** Pseudo-random but the same in every run: sha256 of a label. */
export function seeded(label: string): Buffer {
  return createHash('sha256').update(`assay-bench/${label}`).digest();
}

export function sentence(label: string, bytes: number): string {
  let text = '';
  for (let block = 0; text.length < bytes; block++) {
    for (const byte of seeded(`${label}/${block}`)) text += `${words[byte % words.length]} `;
  }
  return text.slice(0, bytes);
}

/** One OTLP/JSON request of traces with five spans (agent, chat, tool, chat, retriever), for machines without the shared generator. */
export function ownRequest({ first, traces, bytes }: { first: number; traces: number; bytes: number }): object {
  const spans = Array.from({ length: traces }, (_, i) => ownTrace(first + i, bytes)).flat();
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'bench-agent' } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'bench' }, spans }] }] };
}

const kinds = ['invoke_agent', 'chat', 'execute_tool', 'chat', 'retrieval'];

function ownTrace(index: number, bytes: number): readonly object[] {
  const traceId = seeded(`trace${index}`).toString('hex').slice(0, 32);
  const spanIds = kinds.map((_, i) => seeded(`span${index}/${i}`).toString('hex').slice(0, 16));
  const textBytes = Math.max(20, Math.floor(bytes / kinds.length / 2) - 200);
  const start = BigInt(Date.UTC(2026, 10, 21, 11)) * 1_000_000n + BigInt(index) * 10_000_000n;
  return kinds.map((kind, i) => ({
    traceId,
    spanId: spanIds[i],
    ...(i > 0 && { parentSpanId: spanIds[0] }),
    name: kind,
    kind: 1,
    startTimeUnixNano: String(start + BigInt(i) * 1_000_000n),
    endTimeUnixNano: String(start + BigInt(kinds.length - i) * 1_000_000_000n),
    status: { code: 1 },
    attributes: [
      text('gen_ai.operation.name', kind),
      text(
        'gen_ai.input.messages',
        JSON.stringify([{ role: 'user', content: sentence(`in${index}/${i}`, textBytes) }]),
      ),
      text(
        'gen_ai.output.messages',
        JSON.stringify([{ role: 'assistant', content: sentence(`out${index}/${i}`, textBytes) }]),
      ),
      ...(kind === 'chat'
        ? [
            text('gen_ai.request.model', 'gpt-4o-mini'),
            count('gen_ai.usage.input_tokens', 900),
            count('gen_ai.usage.output_tokens', 120),
          ]
        : []),
      ...(i === 0 ? [text('session.id', `session-${index >> 2}`), text('user.id', `user-${index % 500}`)] : []),
    ],
  }));
}

function text(key: string, stringValue: string): object {
  return { key, value: { stringValue } };
}

function count(key: string, intValue: number): object {
  return { key, value: { intValue } };
}
