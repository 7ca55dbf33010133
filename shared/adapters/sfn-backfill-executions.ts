import type { SFNClient } from '@aws-sdk/client-sfn';
import type { BackfillExecutions } from '../domain/backfilling/ports.ts';

/**
 * Executions of the state machine, named by backfill and attempt: a name is taken once in 90 days, so what is started again is left alone.
 * The client is made by the first call: nobody else waits for it to load.
 */
export function sfnBackfillExecutions(
  makeClient: () => Promise<SFNClient>,
  stateMachineArn: string,
): BackfillExecutions {
  let client: Promise<SFNClient> | undefined;
  return {
    async start({ experimentId, backfillId, attempt }) {
      const { ExecutionAlreadyExists, StartExecutionCommand } = await import('@aws-sdk/client-sfn');
      client ??= makeClient();
      const name = attempt === 1 ? backfillId : `${backfillId}-r${attempt}`;
      const input = JSON.stringify({ experiment_id: experimentId, backfill_id: backfillId, attempt });
      try {
        await (await client).send(new StartExecutionCommand({ stateMachineArn, name, input }));
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error;
      }
    },
  };
}
