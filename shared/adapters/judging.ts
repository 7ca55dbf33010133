import { randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { JudgeModelsConfig } from '../contracts/judge-models-config.ts';
import { defaultLimits } from '../domain/judging/asking/limits.ts';
import { modelGuards } from '../domain/judging/guard-models.ts';
import { judgeBudgets } from '../domain/judging/judge-budgets.ts';
import { costInUsd, judgePrice } from '../domain/judging/judge-price.ts';
import { answerReuse } from '../domain/judging/reuse-answers.ts';
import type { RunJudgesDeps } from '../domain/judging/run-judges.ts';
import type { Clock } from '../domain/ports.ts';
import type { Rules } from '../domain/rules.ts';
import { bedrock, dynamodb, secretsManager } from './aws-clients.ts';
import { dynamoBudgetStore } from './dynamo-budget-store.ts';
import { dynamoCircuitBoard } from './dynamo-circuit-board.ts';
import { dynamoJudgeAnswers } from './dynamo-judge-answers.ts';
import { judgeModels } from './judge-models.ts';
import { secretsManagerKeys } from './secrets-manager-keys.ts';

export interface JudgingOptions {
  readonly client: DynamoDBClient;
  readonly registryTable: string;
  readonly memoryTable: string;
  readonly models: JudgeModelsConfig;
  readonly now: Clock;
  /** What only helps failed: the judges are asked all the same. */
  readonly report: (error: unknown) => void;
}

export interface Judging {
  /** What judges of an experiment are run with. */
  readonly judging: (rules: Rules) => RunJudgesDeps;
  /** At the end of each invocation. */
  readonly flush: () => Promise<void>;
}

/** Calls of one model in flight, in one instance. */
const maxConcurrency = 50;

/** Models as judges ask them: an answer that is there already costs nothing, a dead model is left alone, and budgets are kept. */
export function judging({ client, registryTable, memoryTable, models, now, report }: JudgingOptions): Judging {
  let keys: ReturnType<typeof secretsManagerKeys> | undefined;
  const keyOf = (secretId: string) => {
    keys ??= secretsManagerKeys(secretsManager(), { now });
    return keys(secretId);
  };
  const modelsOf = judgeModels(models, { bedrock, keyOf, now });
  const reuse = answerReuse({ answers: dynamoJudgeAnswers(client, memoryTable), now, report });
  const board = dynamoCircuitBoard(client, memoryTable);
  const guard = modelGuards({ board, now, chance: Math.random, maxConcurrency, report });
  // A repeated booking would count twice.
  const store = dynamoBudgetStore(client, registryTable, { booking: dynamodb({ maxAttempts: 1 }) });
  const budgets = judgeBudgets({ store, now, priceOf: judgePrice });

  return {
    judging({ experimentId, settings }) {
      return {
        models: modelsOf(settings.judgeModel),
        paidBy: (scorers, model) => reuse(guard(budgets.paidBy({ experimentId, scorers }, model))),
        code: () => randomBytes(16).toString('hex'),
        now,
        limits: defaultLimits,
        combine: settings.combineJudges,
        costOf: costInUsd,
      };
    },

    async flush() {
      await budgets.flush().catch(report);
    },
  };
}
