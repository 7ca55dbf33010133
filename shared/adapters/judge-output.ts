import {
  type JudgeAnswer,
  JudgeMisconfiguredError,
  type JudgeModel,
  JudgeRejectedError,
  type JudgeRequest,
  type JudgeTool,
  type JudgeToolCall,
} from '../domain/judging/judge-model.ts';
import type { ModelLimits, OutputForm } from '../domain/judging/model-limits.ts';
import { mentionsOf, type ReadParameters, readParameters } from './judge-parameters.ts';

/** Takes the answer where a model has no structured output. */
export const answerTool = 'submit_answer';

/** The tools of a request in a form: those that are asked for, and where the answer is to come by tool the one that takes it. */
export function offeredTools({ tools, schema }: JudgeRequest, form: OutputForm): readonly JudgeTool[] {
  if (form !== 'tool') return tools;
  return [
    ...tools,
    {
      name: answerTool,
      description: 'Takes your final answer. Call it once, when you have decided.',
      parameters: schema,
    },
  ];
}

/** The answer out of what a model wrote and called: what it submitted by tool is its text. */
export function toAnswer(
  answer: Omit<JudgeAnswer, 'toolCalls'> & { readonly toolCalls: readonly JudgeToolCall[] },
): JudgeAnswer {
  const submitted = answer.toolCalls.find(({ name }) => name === answerTool);
  if (submitted === undefined) return answer;
  const { arguments: given } = submitted;
  return { ...answer, text: typeof given === 'string' ? given : JSON.stringify(given), toolCalls: [] };
}

const weaker: Readonly<Record<OutputForm, OutputForm | undefined>> = { schema: 'tool', tool: 'text', text: undefined };

/** Words of refusals that are about the form asked for: of the fields that carry it, or of schemas and tools. */
const aboutForm: Readonly<Record<OutputForm, RegExp>> = {
  schema: /response_format|json_?schema|output_config|outputConfig|text_?format|structured output|schema/i,
  tool: /tool/i,
  text: /(?!)/,
};

const remembered = 200;

/** A request made ready: the form in which it is asked, and its parameters read. */
export interface Prepared {
  readonly form: OutputForm;
  readonly parameters: ReadParameters;
}

/**
 * A model that asks in the strongest form that it is said to have, and in the next where it refuses that; which one it took is remembered by
 * schema, since a model may refuse one and take another.
 */
export function judgeModelOf(
  { uri, limits }: { uri: string; limits: ModelLimits },
  ask: (request: JudgeRequest, prepared: Prepared) => Promise<JudgeAnswer>,
): JudgeModel {
  const taken = new Map<string, OutputForm>();
  const remember = (key: string, form: OutputForm) => {
    if (taken.size >= remembered) taken.clear();
    taken.set(key, form);
  };
  const complete = async (given: JudgeRequest) => {
    const request = wellFormed(given);
    const parameters = readParameters(request, { uri, limits });
    const key = JSON.stringify(request.schema);
    const first = taken.get(key) ?? limits.output;
    for (let form = first; ; ) {
      try {
        const answer = await ask(request, { form, parameters });
        if (form !== first) remember(key, form);
        return answer;
      } catch (error) {
        const next = weaker[form];
        if (next === undefined || !isAboutForm(error, form))
          throw isAboutParameters(error, request) ? asMisconfigured(error) : error;
        form = next;
      }
    }
  };
  return { uri, contextTokens: limits.contextTokens, thinkingTokens: limits.thinkingTokens, complete };
}

/** Anthropic refuses a request that holds half of a character (a lone surrogate), which traces do, and models that quote them. */
function wellFormed<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T;
  if (Array.isArray(value)) return value.map((member) => wellFormed(member)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name.toWellFormed(), wellFormed(member)]);
  return Object.fromEntries(members) as T;
}

function isAboutForm(error: unknown, form: OutputForm): boolean {
  return isRejection(error) && aboutForm[form].test(error.message);
}

function isRejection(error: unknown): error is JudgeRejectedError | JudgeMisconfiguredError {
  if (error instanceof JudgeRejectedError) return true;
  return error instanceof JudgeMisconfiguredError && error.reason === 'rejected-request';
}

/** What every trace would meet: a parameter that the scorer sets is named, and not in words that the trace could have put there. */
function isAboutParameters(error: unknown, { parameters, messages }: JudgeRequest): error is JudgeRejectedError {
  if (!(error instanceof JudgeRejectedError)) return false;
  const said = JSON.stringify(messages);
  return mentionsOf(parameters).some((mention) => mention.test(error.message) && !mention.test(said));
}

function asMisconfigured(error: JudgeRejectedError): JudgeMisconfiguredError {
  return new JudgeMisconfiguredError(error.message, { reason: 'rejected-request', cause: error.cause });
}
