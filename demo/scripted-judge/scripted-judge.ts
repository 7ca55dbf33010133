import { ModelServer } from '../../test/support/model-server/model-server.ts';
import { type JudgeCall, judgeScript } from './judge-script.ts';

/** The models by whose names the script goes; their list prices are what is booked. */
export const judgeModels = {
  bedrock: 'bedrock:/global.anthropic.claude-haiku-4-5-20251001-v1:0',
  openai: 'openai:/gpt-4.1-mini',
} as const;

/** What judges instead of a model, in this process. */
export interface ScriptedJudge {
  /** Of its Bedrock. */
  readonly url: string;
  /** The stage's `judgeModels` that lead to it. */
  readonly config: object;
  readonly calls: readonly JudgeCall[];
  /** Requests that the providers would have refused, and why. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

/** Starts the test suite's model server, Bedrock's Converse and OpenAI's chat completions, with the demo's script behind it. */
export async function startScriptedJudge(seed: string): Promise<ScriptedJudge> {
  const calls: JudgeCall[] = [];
  const server = await new ModelServer(judgeScript(seed, (call) => calls.push(call))).listen();
  return {
    url: server.url,
    config: {
      default: judgeModels.bedrock,
      providers: { openai: { baseUrl: `${server.url}/v1`, secret: null } },
    },
    calls,
    get refused() {
      return server.refused.map(({ provider, problems }) => `${provider}: ${problems.join('; ')}`);
    },
    close: () => server.close(),
  };
}
