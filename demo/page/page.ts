import type { Trace, TraceInfo } from '../assay-api.ts';
import type { Expectation } from '../expected-judgements.ts';
import type { Check } from '../reconcile/check.ts';
import type { Judging } from '../reconcile/reconcile.ts';
import type { SentSpans } from '../sent-spans.ts';
import { type AnsweredQuestion, archiveSection } from './archive-section.ts';
import { judgesSection } from './judges-section.ts';
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
  /** From the acknowledgement of the last spans of a trace to each of its assessments, ms; by the id of the assessment. */
  readonly judgedAfter: ReadonlyMap<string, number>;
  readonly judging: Judging;
  readonly questions: readonly AnsweredQuestion[];
  readonly checks: readonly Check[];
}

const introduction = `The application and its spans are real, sent by the OpenTelemetry SDK. Its
language model and the judges' model are scripts, test code on this machine: no
model was asked, and nothing was paid. The customers, orders, addresses and card
numbers are invented, and AWS is the local stack.`;

/** The page that the demo ends with, as plain text. */
export function page(result: DemoResult): string {
  const sections = [
    introduction,
    tracesSection(result),
    scorersSection(result),
    judgesSection(result),
    sampleSection(result),
    notSelectedSection(result),
    archiveSection(result.questions),
    reconciliationSection(result.checks),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}
