import { ingesters } from '../../domain/api-key.ts';
import { defaultExperimentId } from '../../domain/experiment.ts';
import type { Caller } from '../gateway-call.ts';
import type { Headers } from './negotiate-content.ts';
import { RefusedRequest } from './refused-request.ts';

const experimentHeader = 'x-mlflow-experiment-id';

/**
 * The experiment that the caller may send to: the header's, else the key's only one, else the default.
 * Throws RefusedRequest: 401 for a key that is not known, 403 for one that may not, 400 for an id that is none.
 */
export function decideExperiment(headers: Headers, caller: Caller | undefined): string {
  const { experimentIds: allowed } = requireSender(caller);
  const experimentId =
    headers[experimentHeader]?.trim() ?? (allowed.length === 1 ? allowed[0] : undefined) ?? defaultExperimentId;
  requireExperimentId(experimentId);
  if (allowed.length > 0 && !allowed.includes(experimentId)) {
    throw new RefusedRequest(
      403,
      `the key is not for experiment ${experimentId}: name one of ${allowed.join(', ')} in the header ${experimentHeader}`,
    );
  }
  return experimentId;
}

/** Throws RefusedRequest: 401 for a key that is not known, 403 for one that may not send. */
export function requireSender(caller: Caller | undefined): Caller {
  if (!caller) {
    throw new RefusedRequest(
      401,
      'the API key is unknown or revoked: send a valid one as "authorization: Bearer <key>"',
    );
  }
  if (!ingesters.includes(caller.role)) {
    throw new RefusedRequest(403, `a key of role ${caller.role} cannot send traces: use one of role ingest`);
  }
  return caller;
}

function requireExperimentId(text: string): void {
  // The MLflow client holds the id in an int32.
  if (/^(0|[1-9]\d{0,9})$/.test(text) && Number(text) < 2 ** 31) return;
  throw new RefusedRequest(
    400,
    `header ${experimentHeader} is not an experiment id: expected a decimal number below 2147483648`,
  );
}
