import type { ScorerResult } from '../../scorer.ts';
import type { JudgeError, Question, Verdict } from '../judge.ts';
import { turns } from '../reading/conversation.ts';
import type { Asked } from './needs.ts';
import { noConversation, type SessionPlanner } from './session-judges.ts';

/**
 * Turns that one call judges. MLflow asks once for every turn, with all that came before it: of 500 turns that is 500 calls and 250 times the
 * conversation; here it is 25 calls.
 */
const turnsAtOnce = 20;

/** "no" as soon as the assistant forgot in one turn what the user had said in an earlier one. */
export function knowledgeRetention(asked: Asked): SessionPlanner {
  return (traces) => {
    const said = turns(traces);
    const labelled = said.map(({ items }, i) => items.map((item, j) => (j === 0 ? `[turn ${i + 1}] ${item}` : item)));
    if (labelled.every((items) => items.length === 0)) return noConversation();
    const windows = windowsOf(said.length);
    return {
      questions: windows.map((window) => windowQuestion(window, { items: labelled.slice(0, window.to).flat(), asked })),
      conclude: (verdicts) => [{ ...conclusion(windows, verdicts), from: verdicts.map((_, i) => i) }],
    };
  };
}

/** Turns counted from 1, both ends included. */
interface Window {
  readonly from: number;
  readonly to: number;
}

function windowsOf(count: number): readonly Window[] {
  return Array.from({ length: Math.ceil(count / turnsAtOnce) }, (_, i) => ({
    from: i * turnsAtOnce + 1,
    to: Math.min(count, (i + 1) * turnsAtOnce),
  }));
}

function windowQuestion({ from, to }: Window, { items, asked }: { items: readonly string[]; asked: Asked }): Question {
  const range = from === to ? `turn ${from}` : `the turns ${from} to ${to}`;
  return {
    task: `Find out where the assistant of the section "conversation" failed to retain what the user had told it.

Judge what the assistant says in ${range}, each turn by all that the user said before it and in it. It fails in a turn if it has forgotten, contradicts or distorts something that the user had told it and had not taken back, or asks for it again without a reason. What the user never said, what the assistant simply does not mention, and errors of other kinds are no failures. The result is the list of the numbers of the turns in which it fails, an empty list if there is none.`,
    material: [{ title: 'conversation', items }],
    resultType: { kind: 'list', of: 'integer' },
    rationaleFirst: true,
    ...asked,
  };
}

/** A failure that was found stands, whatever could not be judged beside it; that there is none is only known of the whole. */
function conclusion(windows: readonly Window[], verdicts: readonly Verdict[]): ScorerResult {
  const findings = windows.map((window, i) => findingOf(window, verdicts[i] as Verdict));
  const failed = findings.flatMap((finding) => finding.failed);
  const rationale = findings.map(({ reason }) => reason).join('\n');
  if (failed.length > 0) return { value: 'no', rationale: `Not retained in turn ${failed.join(', ')}.\n${rationale}` };
  const error = findings.find((finding) => finding.error !== undefined)?.error;
  if (error) return { value: null, error, rationale };
  return { value: 'yes', rationale: `Retained in all ${windows.at(-1)?.to ?? 0} turns.\n${rationale}` };
}

interface Finding {
  readonly failed: readonly number[];
  readonly reason: string;
  readonly error?: JudgeError;
}

function findingOf({ from, to }: Window, verdict: Verdict): Finding {
  const about = from === to ? `Turn ${from}` : `Turns ${from} to ${to}`;
  if ('error' in verdict) return { failed: [], reason: `${about}: ${verdict.error.message}`, error: verdict.error };
  const numbers = verdict.decision.value as readonly number[];
  const strange = numbers.filter((turn) => turn < from || turn > to);
  if (strange.length > 0) {
    const message = `the judge was asked about turns ${from} to ${to}, and names turn ${strange.join(', ')}`;
    return { failed: [], reason: `${about}: ${message}`, error: { code: 'JUDGE_ANSWER_INVALID', message } };
  }
  const failed = [...new Set(numbers)].toSorted((a, b) => a - b);
  return { failed, reason: `${about}: ${verdict.decision.rationale ?? 'no reason given'}` };
}
