import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { JudgingEvent, JudgingMetrics } from '../domain/judging/judging-metrics.ts';

/** Of values of one metric in one line (CloudWatch embedded metric format); what comes beyond goes to a further line. */
const maxValues = 100;

/**
 * As CloudWatch embedded metrics: one line for each scorer of an invocation. The metrics have no dimensions, of which each combination
 * is billed as a metric (a few dollars a month for each scorer); experiment, scorer, model and kinds of failure stand beside them in
 * the line, where Logs Insights finds them (docs/operations.md, "Judges").
 */
export function judgingMetrics(metrics = new Metrics({ namespace: 'Assay' })): JudgingMetrics {
  let noted: JudgingEvent[] = [];

  function write(events: readonly JudgingEvent[]): void {
    const [first] = events;
    if (!first) return;
    const of = <K extends JudgingEvent['outcome']['kind']>(kind: K) =>
      events.flatMap(({ outcome }) =>
        outcome.kind === kind ? [outcome as Extract<JudgingEvent['outcome'], { kind: K }>] : [],
      );
    const [judged, failed, held] = [of('judged'), of('failed'), of('held')];
    metrics.addMetadata('experiment_id', first.experimentId);
    metrics.addMetadata('scorer', first.scorer);
    metrics.addMetadata('models', [...new Set(events.flatMap(({ models }) => models))].join(' '));
    for (const [name, count] of Object.entries(countOf(failed.map(({ code }) => `failed_${code}`))))
      metrics.addMetadata(name.replace(/\W/g, '_').slice(0, 60), String(count));
    for (const [name, count] of Object.entries(countOf(held.map(({ by }) => `held_${by}`))))
      metrics.addMetadata(name, String(count));
    metrics.addMetric('EvaluationsJudged', MetricUnit.Count, judged.length);
    metrics.addMetric('EvaluationsFailed', MetricUnit.Count, failed.length);
    metrics.addMetric('EvaluationsHeld', MetricUnit.Count, held.length);
    metrics.addMetric('AnswersReused', MetricUnit.Count, total(events, 'reused'));
    metrics.addMetric('JudgeTokens', MetricUnit.Count, total(events, 'tokens'));
    metrics.addMetric('JudgeUsd', MetricUnit.NoUnit, Number(total(events, 'usd').toFixed(9)));
    for (const { secondsToAssessment } of events)
      if (secondsToAssessment !== undefined)
        metrics.addMetric('SecondsToAssessment', MetricUnit.Seconds, secondsToAssessment);
    metrics.publishStoredMetrics();
  }

  return {
    note(event) {
      noted.push(event);
    },
    flush() {
      const byScorer = Map.groupBy(noted, ({ experimentId, scorer }) => `${experimentId}/${scorer}`);
      noted = [];
      for (const events of byScorer.values())
        for (let i = 0; i < events.length; i += maxValues - 1) write(events.slice(i, i + maxValues - 1));
    },
  };
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function total(events: readonly JudgingEvent[], key: 'usd' | 'tokens' | 'reused'): number {
  return events.reduce((sum, event) => sum + event[key], 0);
}
