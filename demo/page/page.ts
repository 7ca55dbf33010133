import type { Trace, TraceInfo } from '../assay-api.ts';
import type { Expectation } from '../expected-judgements.ts';
import type { Check } from '../reconcile/check.ts';
import type { SentSpans } from '../sent-spans.ts';
import { type AnsweredQuestion, archiveSection } from './archive-section.ts';
import { reconciliationSection } from './reconciliation-section.ts';
import { sampleSection, scorersSection } from './scorers-section.ts';
import { notSelectedSection, tracesSection } from './traces-section.ts';

/** All that the page tells. */
export interface DemoResult {
  readonly sent: SentSpans;
  readonly sessions: number;
  readonly found: readonly TraceInfo[];
  readonly traces: readonly Trace[];
  readonly expectations: readonly Expectation[];
  /** From the acknowledgement of the last spans of a trace to each of its assessments, ms. */
  readonly judgedAfter: readonly number[];
  readonly questions: readonly AnsweredQuestion[];
  readonly checks: readonly Check[];
}

/** The page that the demo ends with, as plain text. */
export function page(result: DemoResult): string {
  const sections = [
    'The application and its spans are real, sent by the OpenTelemetry SDK; its language model is a script on this machine,\n' +
      'the customers, orders, addresses and card numbers are invented, and AWS is the local stack.',
    tracesSection(result),
    scorersSection(result),
    sampleSection(result),
    notSelectedSection(result),
    archiveSection(result.questions),
    reconciliationSection(result.checks),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}
