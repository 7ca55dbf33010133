/** What of a Map Run can be changed while it runs. */
export interface Settings {
  /** 0: as many as there may be. */
  readonly maxConcurrency: number;
  readonly toleratedFailureCount: number | undefined;
  readonly toleratedFailurePercentage: number | undefined;
}

/** Failed items, and all of them. */
export interface Failures {
  readonly failed: number;
  readonly total: number;
}

/**
 * Whether more failed than is tolerated; either limit suffices, and none tolerates none. Source: Step Functions developer guide, "Setting
 * failure thresholds for Distributed Map states".
 */
export function exceedsTolerated({ failed, total }: Failures, settings: Settings): boolean {
  const { toleratedFailureCount, toleratedFailurePercentage } = settings;
  if (toleratedFailureCount === undefined && toleratedFailurePercentage === undefined) return failed > 0;
  const isTooMany = toleratedFailureCount !== undefined && failed > toleratedFailureCount;
  const isTooGreatAShare =
    toleratedFailurePercentage !== undefined && total > 0 && (failed / total) * 100 > toleratedFailurePercentage;
  return isTooMany || isTooGreatAShare;
}
