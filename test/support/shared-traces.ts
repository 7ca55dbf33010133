import { decodeTracesData } from '../../shared/contracts/otlp/decode-spans.ts';
import { otlpJsonToProtobuf } from '../../shared/contracts/otlp/from-json.ts';
import { deriveSpanFacts } from '../../shared/domain/facts/derive-span-facts.ts';
import { deriveTraceFacts } from '../../shared/domain/facts/derive-trace-facts.ts';
import { toScorableTrace } from '../../shared/domain/facts/scorable.ts';
import type { ScorableTrace } from '../../shared/domain/scorable-trace.ts';
import { type OtlpRequest, sharedRequests } from './shared-data.ts';

/** The traces in the requests of one of the shared files, as scorers see them. */
export function sharedTraces(file: string): readonly ScorableTrace[] {
  const found = sharedRequests().find((shared) => shared.file === file);
  return (found?.requests ?? []).flatMap(tracesOf);
}

function tracesOf(request: OtlpRequest): readonly ScorableTrace[] {
  const { body } = otlpJsonToProtobuf(JSON.stringify(request));
  const spans = decodeTracesData(body).map(({ span }) => ({ span, facts: deriveSpanFacts(span) }));
  return [...Map.groupBy(spans, ({ span }) => span.traceId)].map(([traceId, own]) =>
    toScorableTrace({
      info: { traceId: `tr-${traceId}`, experimentId: '0', facts: deriveTraceFacts(own) },
      spans: own,
      assessments: [],
    }),
  );
}
