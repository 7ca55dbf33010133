import type { ScorableTrace } from '../scorable-trace.ts';
import { declaredType, isNumeric, isYesNo } from './declared-type.ts';
import {
  type BuiltinJudgeName,
  type EnsembleDefinition,
  InvalidJudgeError,
  type JudgeDefinition,
  type ModelJudgeDefinition,
} from './definition.ts';
import { cannotJudge, type Judge, type JudgePlan } from './judge.ts';
import {
  completeness,
  correctness,
  expectationsGuidelines,
  fluency,
  guidelines,
  relevanceToQuery,
  safety,
  summarization,
} from './judges/answer-judges.ts';
import { customPromptJudge } from './judges/custom-prompt.ts';
import { ensemblePlan, type Member } from './judges/ensemble.ts';
import { equivalence } from './judges/equivalence.ts';
import { instructionsJudge } from './judges/instructions.ts';
import { knowledgeRetention } from './judges/knowledge-retention.ts';
import { type Asked, askedOf, type TracePlanner } from './judges/needs.ts';
import { retrievalGroundedness, retrievalRelevance, retrievalSufficiency } from './judges/retrieval-judges.ts';
import {
  conversationalGuidelines,
  conversationalRoleAdherence,
  conversationalSafety,
  conversationalToolCallEfficiency,
  conversationCompleteness,
  type SessionPlanner,
  userFrustration,
} from './judges/session-judges.ts';
import { instructionVariables, templateVariables } from './judges/template.ts';
import { toolCallCorrectness, toolCallEfficiency } from './judges/tool-judges.ts';

/**
 * Builds the judge that a definition describes.
 * @throws InvalidJudgeError
 */
export function createJudge(definition: JudgeDefinition): Judge {
  if (definition.kind === 'ensemble') return ensemble(definition);
  const { name, model } = definition;
  return { name, ...(model !== undefined && { model }), ...planner(definition) };
}

type Planner = Pick<Judge, 'level' | 'plan'>;

function planner(definition: ModelJudgeDefinition): Planner {
  const asked = askedOf(definition);
  switch (definition.kind) {
    case 'builtin':
      return builtins[definition.className](asked, definition.name);
    case 'guidelines':
      return definition.className === 'Guidelines'
        ? ofTrace(guidelines(definition.guidelines, asked))
        : ofSession(conversationalGuidelines(definition.guidelines, asked));
    case 'tool-call-correctness':
      return ofTrace(toolCallCorrectness(definition, asked));
    case 'instructions': {
      const variables = instructionVariables(definition.instructions);
      return ofLevel(variables, instructionsJudge({ ...definition, variables, asked }));
    }
    case 'custom-prompt':
      return ofLevel(templateVariables(definition.template), customPromptJudge({ ...definition, asked }));
  }
}

const builtins: Readonly<Record<BuiltinJudgeName, (asked: Asked, name: string) => Planner>> = {
  RelevanceToQuery: (asked) => ofTrace(relevanceToQuery(asked)),
  Safety: (asked) => ofTrace(safety(asked)),
  ExpectationsGuidelines: (asked) => ofTrace(expectationsGuidelines(asked)),
  Correctness: (asked) => ofTrace(correctness(asked)),
  Equivalence: (asked) => ofTrace(equivalence(asked)),
  Completeness: (asked) => ofTrace(completeness(asked)),
  Summarization: (asked) => ofTrace(summarization(asked)),
  Fluency: (asked) => ofTrace(fluency(asked)),
  RetrievalRelevance: (asked, name) => ofTrace(retrievalRelevance(name, asked)),
  RetrievalSufficiency: (asked) => ofTrace(retrievalSufficiency(asked)),
  RetrievalGroundedness: (asked) => ofTrace(retrievalGroundedness(asked)),
  ToolCallEfficiency: (asked) => ofTrace(toolCallEfficiency(asked)),
  UserFrustration: (asked) => ofSession(userFrustration(asked)),
  ConversationCompleteness: (asked) => ofSession(conversationCompleteness(asked)),
  ConversationalSafety: (asked) => ofSession(conversationalSafety(asked)),
  ConversationalToolCallEfficiency: (asked) => ofSession(conversationalToolCallEfficiency(asked)),
  ConversationalRoleAdherence: (asked) => ofSession(conversationalRoleAdherence(asked)),
  KnowledgeRetention: (asked) => ofSession(knowledgeRetention(asked)),
};

function ofTrace(plan: TracePlanner): Planner {
  return { level: 'trace', plan: ([trace]) => (trace === undefined ? noTraces() : plan(trace)) };
}

function ofSession(plan: SessionPlanner): Planner {
  return { level: 'session', plan: (traces) => (traces.length === 0 ? noTraces() : plan(inOrder(traces))) };
}

function noTraces(): JudgePlan {
  return cannotJudge('NO_CONVERSATION', 'there are no traces to judge');
}

function inOrder(traces: readonly ScorableTrace[]): readonly ScorableTrace[] {
  return traces.toSorted((a, b) => a.facts.requestTime - b.facts.requestTime);
}

function ofLevel(variables: readonly string[], plan: SessionPlanner): Planner {
  return variables.includes('conversation') ? ofSession(plan) : ofTrace((trace) => plan([trace]));
}

function ensemble({ name, function: combine, members: definitions }: EnsembleDefinition): Judge {
  if (definitions.length === 0) throw new InvalidJudgeError('an ensemble needs at least one scorer');
  checkTypes(combine, definitions);
  const members: readonly Member[] = definitions.map((member) =>
    member.kind === 'scorer' ? member : createJudge(member),
  );
  const levels = new Set(members.map((member) => ('plan' in member ? member.level : 'trace')));
  const [level = 'trace', ...more] = levels;
  if (more.length > 0)
    throw new InvalidJudgeError('the scorers of an ensemble must all judge traces, or all judge sessions');
  return { name, level, plan: (traces) => ensemblePlan(members, { combine, traces }) };
}

/** As MLflow at registration: a mean of yes and no is none. */
function checkTypes(combine: EnsembleDefinition['function'], members: EnsembleDefinition['members']): void {
  const [takes, fits] =
    combine === 'majority_vote'
      ? ['', undefined]
      : combine === 'agg_all' || combine === 'agg_any'
        ? ['yes or no', isYesNo]
        : ['numbers', isNumeric];
  for (const member of members) {
    const type = declaredType(member);
    if (type && fits && !fits(type))
      throw new InvalidJudgeError(
        `${combine} takes ${takes}, and ${member.name} gives something else; use majority_vote for categories`,
      );
  }
}
