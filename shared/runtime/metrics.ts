import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** Counts of things that happened. Names are few and have no dimensions: each distinct combination is billed as a metric. */
export interface Counter {
  count(name: string, value: number): void;
}

const metrics = new Metrics({ namespace: 'Assay' });

/** As CloudWatch embedded metrics, a log line for each count: for what is rare. */
export const counter: Counter = {
  count(name, value) {
    metrics.addMetric(name, MetricUnit.Count, value);
    metrics.publishStoredMetrics();
  },
};
