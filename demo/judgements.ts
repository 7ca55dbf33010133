import type { Assessment, Trace } from './assay-api.ts';

/** MLflow's name, since 3.17, of the metadata that says which scorer an assessment is by. */
const scorerNameKey = 'mlflow.assessment.scorerName';

function scorerOf({ metadata }: Assessment): string | undefined {
  return metadata?.[scorerNameKey];
}

/** The assessments of a trace that scorers made: all, or those of one. */
export function judgementsOf({ trace_info }: Pick<Trace, 'trace_info'>, scorerName?: string): readonly Assessment[] {
  return (trace_info.assessments ?? []).filter((assessment) => {
    const by = scorerOf(assessment);
    return by !== undefined && (scorerName === undefined || by === scorerName);
  });
}

/** yes counts as 1, no as 0, a number as itself; undefined for what has no value, such as an error. */
export function scoreOf({ feedback }: Assessment): number | undefined {
  const value = feedback?.value;
  if (typeof value === 'number') return value;
  return value === 'yes' || value === true ? 1 : value === 'no' || value === false ? 0 : undefined;
}
