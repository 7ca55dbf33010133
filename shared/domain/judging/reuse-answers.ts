import type { Clock } from '../ports.ts';
import { readJsonObject } from './answer/read-json.ts';
import type { JudgeAnswer, JudgeModel, JudgeRequest } from './judge-model.ts';

/** Answers of models by the hash of what was asked. One that is lost is paid once more, nothing else. */
export interface JudgeAnswers {
  /** Undefined where there is none, or it is past its time. */
  get(hash: string, now: number): Promise<StoredAnswer | undefined>;
  put(hash: string, answer: StoredAnswer, keep: { readonly until: number }): Promise<void>;
}

export type StoredAnswer = Pick<JudgeAnswer, 'text' | 'usage'>;

export interface ReuseDeps {
  readonly answers: JudgeAnswers;
  readonly now: Clock;
  /** What the cache failed with: the answer is there all the same. */
  readonly report: (error: unknown) => void;
}

const dayMs = 24 * 60 * 60_000;
/** Verdicts have a few hundred bytes; each KB costs a write unit. */
const maxTextBytes = 8_192;

/**
 * Has each identical judgement of a day answered once: by the table, and within the instance by whoever asks already. It stands before
 * whatever pays for calls or counts them.
 */
export function answerReuse({ answers, now, report }: ReuseDeps): (model: JudgeModel) => JudgeModel {
  const asking = new Map<string, Promise<JudgeAnswer | undefined>>();

  async function find(hash: string): Promise<JudgeAnswer | undefined> {
    const found = await answers.get(hash, now()).catch((error: unknown) => void report(error));
    return found && { ...found, toolCalls: [], stop: 'end', cached: true };
  }

  async function askAndKeep(request: JudgeRequest, model: JudgeModel): Promise<JudgeAnswer> {
    const answer = await model.complete(request);
    if (!isUsable(answer, request)) return answer;
    const { text, usage } = answer;
    await answers.put(request.hash, { text, usage }, { until: now() + dayMs }).catch(report);
    return answer;
  }

  return (model) => ({
    uri: model.uri,
    contextTokens: model.contextTokens,
    async complete(request) {
      if (!isReusable(request)) return model.complete(request);
      const first = asking.get(request.hash);
      if (first) {
        // Whoever asks already may get no answer that can be used: then this one asks itself.
        const shared = await first.catch(() => undefined);
        if (shared && isUsable(shared, request)) return { ...shared, cached: true };
      }
      const asked = find(request.hash).then((found) => found ?? askAndKeep(request, model));
      asking.set(request.hash, asked);
      try {
        return await asked;
      } finally {
        if (asking.get(request.hash) === asked) asking.delete(request.hash);
      }
    },
  });
}

/** A first question without tools: later ones hardly come twice in the same words. */
function isReusable({ messages, tools }: JudgeRequest): boolean {
  return messages.length === 1 && tools.length === 0;
}

/** Whether an answer would be taken by who reads it; what would not is asked for again. */
function isUsable(answer: JudgeAnswer, request: JudgeRequest): boolean {
  return isComplete(answer) && fitsSchema(answer, request);
}

function isComplete({ stop, toolCalls, text }: JudgeAnswer): boolean {
  return stop === 'end' && toolCalls.length === 0 && Buffer.byteLength(text) <= maxTextBytes;
}

/** An object with all that the schema requires. */
function fitsSchema({ text }: JudgeAnswer, { schema }: JudgeRequest): boolean {
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  const hasAll = (object: object) => required.every((name) => Object.hasOwn(object, name));
  const object = readJsonObject(text, hasAll);
  return object !== undefined && hasAll(object);
}
