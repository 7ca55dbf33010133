import { readsSpans } from '../decide-sampling.ts';
import { isFinished, leaseMs } from '../evaluation.ts';
import { type JudgingMetrics, nothingSpent } from '../judging/judging-metrics.ts';
import type { AssessmentArchive, AssessmentStore, Clock, RuleStore, ScorerStore, SessionStore } from '../ports.ts';
import { blocksOf, readBlockSpans } from '../read-blocks.ts';
import { isStopped, type Rules, type ScorerRule } from '../rules.ts';
import type { ScorableTrace } from '../scorable-trace.ts';
import type { Runnable, ScorerVersion } from '../scorer.ts';
import {
  decideSession,
  type SessionDecision,
  type SessionEvaluationRequest,
  type SessionOutcome,
  type SessionRecord,
  selectedIn,
} from '../session.ts';
import { askJudges, type Judging } from './ask-judges.ts';
import { concludeSession, type SessionTask, type SessionVerdict } from './conclude-session.ts';
import { type Conversation, conversationId, type FindConversationDeps, findConversation } from './find-conversation.ts';
import { judgingEvent } from './judging-event.ts';
import { type LoadConversationDeps, loadConversation } from './load-conversation.ts';
import { changePause, resumeScorer } from './pause-scorer.ts';

export interface EvaluateSessionDeps extends Omit<FindConversationDeps, 'index'>, Omit<LoadConversationDeps, 'index'> {
  readonly index: FindConversationDeps['index'] & LoadConversationDeps['index'];
  readonly sessions: SessionStore;
  readonly rules: RuleStore;
  readonly scorers: Pick<ScorerStore, 'definition'>;
  readonly createScorer: (version: ScorerVersion) => Runnable;
  readonly judging: Judging;
  readonly assessments: Pick<AssessmentStore, 'put' | 'list' | 'remove'>;
  readonly archive: AssessmentArchive;
  readonly metrics: Pick<JudgingMetrics, 'note'>;
  readonly now: Clock;
}

/**
 * Judges a session that has been quiet, unless it has been judged as it is. Everything is kept beside the session before it counts as
 * judged: a run that died is repeated, judges what is missing, and overwrites the same assessments. A session that has resumed is left to
 * the evaluation that follows when it is quiet again.
 */
export async function evaluateSession(request: SessionEvaluationRequest, deps: EvaluateSessionDeps): Promise<void> {
  const session = await deps.sessions.read(request);
  if (session?.lastActivityAt !== request.lastActivityAt) return;
  const conversation = await findConversation(request, deps);
  const rules = await deps.rules.current(request.experimentId);
  if (conversation === undefined) return forget({ session, request, rules, deps });
  const id = conversationId(conversation, rules.settings);
  const decided = session.decision?.conversation === id ? session.decision : undefined;
  if (decided && pendingOf(session, decided, rules).length === 0) return deps.sessions.release(request, {});
  const decision = decided ?? (await decide({ session, request, conversation, id, rules, deps }));
  const now = deps.now();
  if (!(await deps.sessions.claim(request, { decision, now, leasedUntil: now + leaseMs }))) return;
  // What another wrote between our reading and our claim is not paid again.
  const claimed = (await deps.sessions.read(request)) ?? session;
  const retryAt = await judge({ session: claimed, decision, request, conversation, rules, deps });
  await deps.sessions.release(request, retryAt === undefined ? {} : { dueAt: retryAt });
}

/** Selected, and without an outcome for this conversation that stands; what is held of a scorer that was stopped stays so. */
function pendingOf({ outcomes }: SessionRecord, decision: SessionDecision, rules: Rules) {
  const finished = new Set(
    outcomes
      .filter(({ conversation }) => conversation === decision.conversation)
      .filter((outcome) => isFinished(outcome) || isStopped(outcome.scorerName, rules))
      .map(({ scorerName, scorerVersion }) => `${scorerName}#${scorerVersion}`),
  );
  return selectedIn(decision).filter(({ name, version }) => !finished.has(`${name}#${version}`));
}

async function decide({
  session,
  request: { experimentId, sessionId },
  conversation: { infos },
  id,
  rules,
  deps,
}: {
  session: SessionRecord;
  request: SessionEvaluationRequest;
  conversation: Conversation;
  id: string;
  rules: Rules;
  deps: EvaluateSessionDeps;
}): Promise<SessionDecision> {
  const [first] = infos;
  const record = await deps.index.readTrace(first.traceId);
  const isAskedOfSpans = rules.scorers.some((rule) => rule.level === 'session' && readsSpans(rule));
  const spans = record && isAskedOfSpans ? await readBlockSpans(blocksOf(record), deps) : [];
  const subject = {
    traceId: first.traceId,
    experimentId,
    facts: first.facts,
    spans: () => spans,
    assessments: () => record?.assessments ?? [],
  };
  return {
    conversation: id,
    firstTraceId: first.traceId,
    rulesVersion: rules.version,
    decidedAt: deps.now(),
    scorers: decideSession({ sessionId, rules: withProbes(rules, session), first: subject }),
  };
}

/** A session that was held for what paused a scorer goes on to try that one out, also when it has resumed. */
function withProbes(rules: Rules, { outcomes }: SessionRecord): Pick<Rules, 'scorers'> {
  const isTriedHere = ({ name }: ScorerRule) =>
    outcomes.some(({ scorerName, state }) => scorerName === name && state === 'held');
  const scorers = rules.scorers.map((rule) => {
    if (rule.paused?.by !== 'judge' || !isTriedHere(rule)) return rule;
    const { paused: _, ...tried } = rule;
    return tried;
  });
  return { scorers };
}

/** Nothing is left of the session: what it was held for the next one has to find out. */
async function forget({ session, request, rules, deps }: Omit<Context, 'decision' | 'conversation'>): Promise<void> {
  for (const { scorerName: name, scorerVersion: version, state } of session.outcomes)
    if (state === 'held') await resumeScorer({ name, version }, { rules, store: deps.rules });
  await deps.sessions.release(request, {});
}

interface Context {
  readonly session: SessionRecord;
  readonly decision: SessionDecision;
  readonly request: SessionEvaluationRequest;
  readonly conversation: Conversation;
  readonly rules: Rules;
  readonly deps: EvaluateSessionDeps;
}

/** Judges what is pending, keeps what was found, and takes away what it supersedes. Answers when to try again, if so. */
async function judge(context: Context): Promise<number | undefined> {
  const { session, decision, request, conversation, rules, deps } = context;
  const tasks = await Promise.all(
    pendingOf(session, decision, rules).map(async (selected): Promise<SessionTask> => {
      const version = await deps.scorers.definition(request.experimentId, selected.name, selected.version);
      if (version) return { selected, version };
      throw new Error(`scorer ${selected.name} version ${selected.version} is not registered`);
    }),
  );
  if (tasks.length === 0) return undefined;
  const { traces, leftOut } = await loadConversation(conversation.infos, deps);
  if (traces.length === 0) return undefined;
  const verdicts = await verdictsOf(tasks, { traces, context });
  const about = {
    session,
    decision,
    request,
    traces: traces.length,
    tracesLeftOut: leftOut,
    isCut: conversation.isCut,
    catchesUp: rules.settings.catchUpBudgets,
    now: deps.now(),
  };
  const concluded = tasks.map((task, i) => concludeSession(verdicts[i] as SessionVerdict, { ...about, task }));
  const written = await deps.assessments.put(concluded.flatMap(({ assessments }) => assessments));
  await deps.archive.addAssessments(written);
  const outcomes = concluded.map(({ outcome }) => outcome);
  const superseded = supersededBy(outcomes, session);
  // While there are outcomes that name them: whoever repeats this finds them again.
  await removeAssessments(superseded, { outcomes, deps });
  const emptied = superseded.filter(isOfOtherVersion(outcomes)).map((outcome) => ({ ...outcome, assessmentIds: [] }));
  await deps.sessions.putOutcomes(request, [...emptied, ...outcomes]);
  // Now that what was found is kept: nothing is lost where this fails.
  for (const one of concluded) await changePause(one, { rules, store: deps.rules });
  // The session was whole at the end of its idle time.
  const readyAt = request.lastActivityAt + rules.settings.sessionIdleMinutes * 60_000;
  const { experimentId } = request;
  for (const one of concluded) deps.metrics.note(judgingEvent(one, { experimentId, readyAt }));
  const tries = concluded.flatMap(({ retryAt }) => retryAt ?? []);
  return tries.length === 0 ? undefined : Math.min(...tries);
}

/** In the order of the tasks. Only judges judge sessions. */
async function verdictsOf(
  tasks: readonly SessionTask[],
  { traces, context: { rules, deps } }: { traces: readonly ScorableTrace[]; context: Context },
): Promise<readonly SessionVerdict[]> {
  const runnables = tasks.map((task) => ({ ...task, scorer: deps.createScorer(task.version) }));
  const judges = runnables.flatMap(({ scorer, ...task }) => ('judge' in scorer ? [{ ...task, scorer }] : []));
  const outcomes = (await askJudges(judges, { traces, rules, judging: deps.judging })).values();
  return runnables.map(({ selected, scorer }): SessionVerdict => {
    if ('judge' in scorer) return outcomes.next().value as SessionVerdict;
    const message = 'unsupported' in scorer ? scorer.unsupported : 'it judges traces, not sessions';
    const error = { code: 'SCORER_NOT_SUPPORTED', message };
    return { results: [{ value: null, error, source: { type: 'CODE', id: selected.name } }], spent: nothingSpent };
  });
}

/** Earlier outcomes of scorers that have found something now, whatever the version. */
function supersededBy(outcomes: readonly SessionOutcome[], { outcomes: earlier }: SessionRecord) {
  const names = new Set(outcomes.filter(isFinished).map(({ scorerName }) => scorerName));
  return earlier.filter(({ scorerName, assessmentIds }) => names.has(scorerName) && assessmentIds.length > 0);
}

function isOfOtherVersion(outcomes: readonly SessionOutcome[]): (outcome: SessionOutcome) => boolean {
  const written = new Set(outcomes.map(({ scorerName, scorerVersion }) => `${scorerName}#${scorerVersion}`));
  return ({ scorerName, scorerVersion }) => !written.has(`${scorerName}#${scorerVersion}`);
}

/** As MLflow does: of a session that has resumed only the latest judgement stays. The archive keeps its history. */
async function removeAssessments(
  superseded: readonly SessionOutcome[],
  { outcomes, deps }: { outcomes: readonly SessionOutcome[]; deps: EvaluateSessionDeps },
): Promise<void> {
  const standing = new Set(outcomes.flatMap(({ assessmentIds }) => assessmentIds));
  const places = new Set(outcomes.flatMap((outcome) => outcome.assessmentIds.map((id) => `${outcome.traceId}/${id}`)));
  for (const { traceId, assessmentIds } of superseded) {
    const gone = assessmentIds.filter((id) => !places.has(`${traceId}/${id}`));
    if (gone.length === 0) continue;
    const there = (await deps.assessments.list(traceId)).filter(({ assessmentId }) => gone.includes(assessmentId));
    const invalid = there.filter(({ assessmentId }) => !standing.has(assessmentId));
    if (invalid.length > 0)
      await deps.archive.addAssessments(invalid.map((one) => ({ ...one, valid: false, updatedAt: deps.now() })));
    for (const { assessmentId } of there) await deps.assessments.remove(traceId, assessmentId);
  }
}
