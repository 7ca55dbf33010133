import { Duration } from 'aws-cdk-lib';
import { JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';

/** A task that is tried for about ten minutes: what it repeats does no harm. */
export const patient: RetryProps = {
  errors: ['States.ALL'],
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxAttempts: 10,
  maxDelay: Duration.minutes(2),
  jitterStrategy: JitterType.FULL,
};
