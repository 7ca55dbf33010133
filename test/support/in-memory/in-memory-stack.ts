import type { SQSEvent } from 'aws-lambda';
import { createHandler as createIndexTraces } from '../../../functions/index-traces/create-handler.ts';
import { createHandler as createRunScorers } from '../../../functions/run-scorers/create-handler.ts';
import { otlpTraceCodec } from '../../../shared/adapters/otlp-trace-codec.ts';
import type { ArrivalMessage } from '../../../shared/contracts/arrival-message.ts';
import { directCallText, fromDirectAnswer } from '../../../shared/contracts/direct-call.ts';
import { createScorer, readTraits } from '../../../shared/contracts/serialized-scorer.ts';
import type { NamedDefinition } from '../../../shared/domain/assessing/ports.ts';
import type { Assessment } from '../../../shared/domain/assessment.ts';
import type { BackfillRef } from '../../../shared/domain/backfilling/backfill.ts';
import { withInlineScorers } from '../../../shared/domain/backfilling/inline-scorers.ts';
import type { EvaluationKey } from '../../../shared/domain/backfilling/ports.ts';
import { runningBackfills } from '../../../shared/domain/backfilling/running-backfills.ts';
import { deleteTraces } from '../../../shared/domain/delete-traces.ts';
import { editTrace, startTrace } from '../../../shared/domain/edit-trace.ts';
import {
  type EvaluationOutcome,
  type EvaluationRequest,
  isFinished,
  type SelectedScorer,
} from '../../../shared/domain/evaluation.ts';
import type { Experiment } from '../../../shared/domain/experiment.ts';
import type { TraceStatement } from '../../../shared/domain/explicit-facts.ts';
import { sessionOf } from '../../../shared/domain/facts/who.ts';
import { defaultLimits } from '../../../shared/domain/judging/asking/limits.ts';
import type { JudgeModel } from '../../../shared/domain/judging/judge-model.ts';
import type { JudgingEvent } from '../../../shared/domain/judging/judging-metrics.ts';
import type { ArchivedSpan, Attachment, TimeQuery } from '../../../shared/domain/ports.ts';
import type { Rules } from '../../../shared/domain/rules.ts';
import type { ScorerVersion } from '../../../shared/domain/scorer.ts';
import type { SessionEvaluationRequest } from '../../../shared/domain/session.ts';
import { sweep } from '../../../shared/domain/sweep.ts';
import type { BlockRef, TraceInfo } from '../../../shared/domain/trace.ts';
import { DyingProcess, type Fate } from '../dying-process.ts';
import { InMemoryBackfills } from './in-memory-backfills.ts';
import { InMemorySessionStore } from './in-memory-session-store.ts';
import { InMemoryTraceIndex } from './in-memory-trace-index.ts';

interface Queued {
  readonly queue: 'arrivals' | 'evaluations' | 'backfill';
  readonly body: string;
  readonly visibleAt: number;
  /** Times it was received and given back. */
  readonly receives?: number;
  readonly receipt?: number;
}

/** As the template has it for the function that judges. */
const functionMs = 120_000;

/** The hot path over maps and arrays, with a virtual clock: every handler is the real one. */
export class InMemoryStack {
  readonly index = new InMemoryTraceIndex();
  readonly sessions = new InMemorySessionStore();
  readonly backfills = new InMemoryBackfills(this.index);
  readonly objects = new Map<string, Uint8Array>();
  /** By name. */
  readonly attachments = new Map<string, Attachment>();
  readonly archived = {
    traces: [] as TraceInfo[],
    spans: [] as ArchivedSpan[],
    assessments: [] as Assessment[],
    /** Ids. */
    deleted: [] as string[],
  };
  readonly requested: EvaluationRequest[] = [];
  /** What was told of evaluations. */
  readonly noted: JudgingEvent[] = [];
  readonly requestedSessions: SessionEvaluationRequest[] = [];
  /** Backfills that were left to the state machine. */
  readonly startedExecutions: string[] = [];
  rules: Rules;
  rulesAreWritten = true;
  scorers: readonly ScorerVersion[];
  nowMs = Date.UTC(2026, 10, 21, 12);
  /** Whom judges ask. */
  model: Pick<JudgeModel, 'complete'> & { readonly uri: string; readonly contextTokens: number } = {
    uri: 'test:/model',
    contextTokens: 100_000,
    complete: () => Promise.reject(new Error('no model was given')),
  };
  readonly #delays = new Map<string, number>();
  #receipts = 0;
  #ids = 0;
  #queue: Queued[] = [];

  constructor({ rules, scorers = [] }: { rules: Rules; scorers?: readonly ScorerVersion[] }) {
    this.rules = rules;
    this.scorers = scorers;
  }

  send(message: ArrivalMessage): void {
    this.#queue.push({ queue: 'arrivals', body: JSON.stringify(message), visibleAt: this.nowMs });
  }

  /** Has the sweep look for due work. */
  async sweep(fate?: Fate): Promise<void> {
    const process = new DyingProcess(fate);
    const deps = {
      dueWork: process.wrap({
        listTraces: async (shard: number) => (shard === 0 ? this.index.due(this.nowMs) : []),
        listEvaluations: async (shard: number) => (shard === 0 ? this.#heldAndDue() : []),
      }),
      dueSessions: process.wrap(this.sessions.due),
      settleQueue: process.wrap(this.#settleQueue),
      evaluationQueue: process.wrap(this.#evaluationQueue),
      backfillQueue: process.wrap(this.backfillQueue),
      outcomes: process.wrap(this.#outcomes),
      now: () => this.nowMs,
    };
    await sweep(deps).catch((error: unknown) => {
      if (!process.isDead) throw error;
    });
  }

  #heldAndDue(): readonly EvaluationOutcome[] {
    const all = [...this.index.entries.values()].flatMap(({ outcomes }) => [...outcomes.values()]);
    all.push(...[...this.index.heldOfGone.values()].flatMap((outcomes) => [...outcomes.values()]));
    return all
      .filter(({ state, dueAt }) => state === 'held' && dueAt !== undefined && dueAt <= this.nowMs)
      .toSorted((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
  }

  /** Says of a trace what its client says when it has ended. */
  async start(traceId: string, statement: TraceStatement, fate?: Fate): Promise<TraceInfo> {
    return startTrace({ traceId, experimentId: '0', statement }, this.#editing(new DyingProcess(fate)));
  }

  async tag(traceId: string, key: string, value: string, fate?: Fate): Promise<TraceInfo> {
    return editTrace(traceId, () => ({ tags: { [key]: value } }), this.#editing(new DyingProcess(fate)));
  }

  async untag(traceId: string, key: string): Promise<TraceInfo> {
    return editTrace(traceId, () => ({ removedTags: [key] }), this.#editing(new DyingProcess()));
  }

  /** Deletes a trace; answers how many there were. */
  async delete(traceId: string, fate?: Fate): Promise<number> {
    const process = new DyingProcess(fate);
    const deps = {
      index: process.wrap(this.index),
      remover: process.wrap(this.index.remover),
      segments: process.wrap(this.#segments),
      attachments: process.wrap({ remove: async ({ name }: Attachment) => void this.attachments.delete(name) }),
      deletions: process.wrap(this.#deletions),
      search: { find: async () => [] },
      now: () => this.nowMs,
    };
    return deleteTraces([traceId], { experimentId: '0', deps });
  }

  #editing(process: DyingProcess) {
    return {
      index: process.wrap(this.index),
      editor: process.wrap(this.index.editor),
      rules: process.wrap(this.#ruleStore),
      settleQueue: process.wrap(this.#settleQueue),
      now: () => this.nowMs,
    };
  }

  /**
   * Delivers everything, in batches, until the queues are empty. `fate` decides at each call whether the process
   * dies; a batch whose process died comes again. With `twice` every batch is delivered a second time.
   */
  async drain(options: { fate?: Fate; twice?: boolean } = {}): Promise<void> {
    for (let rounds = 0; this.#queue.length > 0; rounds++) {
      if (rounds > 2_000) throw new Error('the queues never drain');
      this.nowMs = Math.max(this.nowMs, Math.min(...this.#queue.map(({ visibleAt }) => visibleAt)));
      const visible = this.#queue.filter(({ visibleAt }) => visibleAt <= this.nowMs);
      const { queue } = visible[0] as Queued;
      const batch = visible.filter((message) => message.queue === queue).slice(0, 100);
      await this.#deliver(batch, options);
    }
  }

  async #deliver(batch: readonly Queued[], { fate, twice }: { fate?: Fate; twice?: boolean }): Promise<void> {
    // Killed when its time is over, as Lambda does.
    const killedAt = this.nowMs + functionMs;
    const process = new DyingProcess(() => (this.nowMs >= killedAt ? 'before' : fate?.()));
    const failed = await this.#invoke(batch, process);
    if (process.isDead) {
      // What a dead process held comes back when its visibility ends.
      this.#queue = this.#queue.map((message) =>
        batch.includes(message) ? this.#received(message, message.queue === 'arrivals' ? 0 : 720_000) : message,
      );
      return;
    }
    const again = twice ? await this.#invoke(batch, new DyingProcess()) : new Set<Queued>();
    const left = new Set([...failed, ...again]);
    this.#queue = this.#queue.flatMap((message) => {
      if (!batch.includes(message)) return message;
      return left.has(message) ? this.#received(message, 720_000) : [];
    });
    const stuck = [...left].find(({ receives = 0 }) => receives > 10);
    if (stuck) throw new Error(`a message fails for good: ${stuck.body.slice(0, 200)} (${this.lastError})`);
  }

  /** A message that was given back: delivered again after its visibility timeout, or when its receiver said. */
  #received(message: Queued, visibilityMs: number): Queued {
    const delayedTo = this.#delays.get(String(message.receipt));
    return {
      ...message,
      receives: (message.receives ?? 0) + 1,
      receipt: ++this.#receipts,
      visibleAt: delayedTo ?? this.nowMs + visibilityMs,
    };
  }

  lastError: unknown;

  async #invoke(batch: readonly Queued[], process: DyingProcess): Promise<ReadonlySet<Queued>> {
    const event = {
      Records: batch.map(({ body, receives = 0, receipt }, i) => ({
        messageId: String(i),
        body,
        receiptHandle: String(receipt),
        attributes: { ApproximateReceiveCount: String(receives + 1) },
      })),
    } as SQSEvent;
    const isArrivals = batch[0]?.queue === 'arrivals';
    const endsAt = this.nowMs + functionMs;
    const context = { getRemainingTimeInMillis: () => endsAt - this.nowMs };
    const { batchItemFailures } = isArrivals
      ? await this.#indexTraces(process)(event)
      : await this.#runScorers(process)(event, context);
    return new Set(batchItemFailures.flatMap(({ itemIdentifier }) => batch[Number(itemIdentifier)] ?? []));
  }

  /** What traces and sessions are judged with. */
  judging(process = new DyingProcess()) {
    return {
      ...this.#scoring(process),
      sessions: process.wrap(this.sessions),
      search: process.wrap(this.#search),
    };
  }

  #indexTraces(process: DyingProcess) {
    return createIndexTraces({
      index: process.wrap(this.index),
      sessions: process.wrap(this.sessions),
      remover: process.wrap(this.index.remover),
      attachments: process.wrap({
        remove: async (attachment: Attachment) => void this.attachments.delete(attachment.name),
      }),
      segments: process.wrap(this.#segments),
      inbox: process.wrap({ get: async (key: string) => this.#object(key) }),
      rules: process.wrap(this.#ruleStore),
      archive: process.wrap(this.#archive),
      deletions: process.wrap(this.#deletions),
      settleQueue: process.wrap(this.#settleQueue),
      evaluationQueue: process.wrap(this.#evaluationQueue),
      codec: otlpTraceCodec,
      now: () => this.nowMs,
      logger: this.#logger,
    });
  }

  #runScorers(process: DyingProcess) {
    return createRunScorers({ ...this.judging(process), logger: this.#logger });
  }

  #scoring(process: DyingProcess) {
    return {
      index: process.wrap(this.index),
      segments: process.wrap(this.#segments),
      codec: otlpTraceCodec,
      scorers: withInlineScorers(
        process.wrap({
          definition: async (_experiment: string, name: string) => this.scorers.find((scorer) => scorer.name === name),
        }),
        { backfills: process.wrap(this.backfills.store), now: () => this.nowMs },
      ),
      assessments: process.wrap({
        put: async (assessments: readonly Assessment[]) => this.#putAssessments(assessments),
        list: async (traceId: string) => [...(this.index.entries.get(traceId)?.assessments.values() ?? [])],
        remove: async (traceId: string, id: string) => void this.index.entries.get(traceId)?.assessments.delete(id),
      }),
      createScorer,
      outcomes: process.wrap(this.#outcomes),
      rules: process.wrap(this.#ruleStore),
      judging: () => ({
        models: { resolve: async () => process.wrap(this.model) as JudgeModel },
        paidBy: (_: readonly string[], model: JudgeModel) => model,
        code: () => 'c'.repeat(16),
        now: () => this.nowMs,
        limits: defaultLimits,
        combine: false,
        costOf: () => undefined,
      }),
      flush: async () => {},
      metrics: { note: (event: JudgingEvent) => void this.noted.push(event), flush: () => {} },
      messages: process.wrap({
        delay: async (receiptHandle: string, ms: number) => void this.#delays.set(receiptHandle, this.nowMs + ms),
      }),
      backfillMessages: process.wrap({
        delay: async (receiptHandle: string, ms: number) => void this.#delays.set(receiptHandle, this.nowMs + ms),
      }),
      backfills: runningBackfills(process.wrap(this.backfills.store), { cacheSeconds: 30, now: () => this.nowMs }),
      archive: process.wrap({
        addAssessments: async (rows: readonly Assessment[]) => void this.archived.assessments.push(...rows),
      }),
      // Time passes by what is done.
      sleep: () => new Promise(() => {}),
      now: () => this.nowMs,
    };
  }

  /** What assessing on demand takes: the function that judges is invoked for it, and dies by a fate of its own. */
  assessing(process = new DyingProcess(), { judging }: { judging?: Fate | undefined } = {}) {
    const { store, progress, decisions, sliceFiles } = this.backfills;
    const invoke = async (call: string) => {
      const function_ = new DyingProcess(judging);
      const endsAt = this.nowMs + functionMs;
      const handler = this.#runScorers(function_);
      try {
        return await handler(JSON.parse(call), { getRemainingTimeInMillis: () => endsAt - this.nowMs });
      } catch (error) {
        if (function_.isDead) return undefined;
        throw error;
      }
    };
    const registered = async (_: string, name: string, version?: number) =>
      this.scorers.find((scorer) => scorer.name === name && (version ?? scorer.version) === scorer.version);
    return {
      ...this.deciding(process),
      experiments: { get: async (experimentId: string) => ({ experimentId, lifecycleStage: 'active' }) as Experiment },
      scorers: { get: registered, list: async () => this.scorers },
      backfills: process.wrap(store),
      executions: process.wrap({
        start: async ({ backfillId }: BackfillRef) => void this.startedExecutions.push(backfillId),
      }),
      sliceProgress: progress,
      decisions: process.wrap(decisions),
      files: process.wrap(sliceFiles),
      search: { find: async () => [] },
      direct: process.wrap({
        judge: async (requests: readonly EvaluationRequest[], { until }: { until: number }) =>
          void (await invoke(directCallText(requests, { until }))),
        tryOut: async (
          requests: readonly EvaluationRequest[],
          options: { until: number; inline: readonly NamedDefinition[] },
        ) => fromDirectAnswer(JSON.stringify(await invoke(directCallText(requests, options)))),
      }),
      readTraits,
      retentionDays: 30,
      newId: () => String(++this.#ids).padStart(32, '0'),
      now: () => this.nowMs,
    };
  }

  readonly #logger = {
    error: (_message: string, { error }: { error: unknown }) => {
      this.lastError = error;
    },
  };

  readonly #segments = {
    put: async (key: string, bytes: Uint8Array) => {
      if (!this.objects.has(key)) this.objects.set(key, Uint8Array.from(bytes));
    },
    readBlock: async ({ key, offset, length }: BlockRef) => this.#object(key).subarray(offset, offset + length),
    erase: async (blocks: readonly BlockRef[]) => {
      for (const { key, offset, length } of blocks) this.#object(key).fill(0, offset, offset + length);
    },
  };

  readonly #deletions = {
    addDeleted: async (traces: readonly Pick<TraceInfo, 'traceId'>[]) =>
      void this.archived.deleted.push(...traces.map(({ traceId }) => traceId)),
  };

  readonly #archive = {
    addTraces: async (infos: readonly TraceInfo[]) => void this.archived.traces.push(...infos),
    addSpans: async (spans: readonly ArchivedSpan[]) => void this.archived.spans.push(...spans),
  };

  readonly #settleQueue = {
    settle: async (traceIds: readonly string[], { delaySeconds }: { delaySeconds: number }) => {
      for (const traceId of traceIds) {
        const body = JSON.stringify({ v: 1, kind: 'settle', traceId });
        this.#queue.push({ queue: 'arrivals', body, visibleAt: this.nowMs + delaySeconds * 1000 });
      }
    },
  };

  readonly #evaluationQueue = {
    request: async (requests: readonly EvaluationRequest[]) => {
      for (const request of requests) {
        this.requested.push(request);
        const body = JSON.stringify({ v: 1, kind: 'trace', ...request });
        this.#queue.push({ queue: 'evaluations', body, visibleAt: this.nowMs });
      }
    },
    requestSessions: async (requests: readonly SessionEvaluationRequest[]) => {
      for (const request of requests) {
        this.requestedSessions.push(request);
        const body = JSON.stringify({ v: 1, kind: 'session', ...request });
        this.#queue.push({ queue: 'evaluations', body, visibleAt: this.nowMs });
      }
    },
  };

  /** Of backfills. */
  readonly backfillQueue = {
    request: async (requests: readonly EvaluationRequest[]) => {
      for (const request of requests) {
        this.requested.push(request);
        const body = JSON.stringify({ v: 1, kind: 'trace', ...request });
        this.#queue.push({ queue: 'backfill', body, visibleAt: this.nowMs });
      }
    },
  };

  /** Loses what lies in the queue of backfills. */
  loseBackfillMessages(): void {
    this.#queue = this.#queue.filter(({ queue }) => queue !== 'backfill');
  }

  /** Deciding about the traces of backfills. */
  deciding(process = new DyingProcess()) {
    return {
      index: process.wrap(this.index),
      assessments: process.wrap({
        listAll: async (infos: readonly Pick<TraceInfo, 'traceId'>[]) =>
          new Map(
            infos.map(({ traceId }) => [traceId, [...(this.index.entries.get(traceId)?.assessments.values() ?? [])]]),
          ),
      }),
      segments: process.wrap(this.#segments),
      codec: otlpTraceCodec,
      evaluations: process.wrap({
        outcomesOf: async (keys: readonly EvaluationKey[]) =>
          keys.flatMap(({ traceId, scorerName, scorerVersion }) => {
            const outcomes = this.index.entries.get(traceId)?.outcomes;
            return outcomes?.get(`${scorerName}#${scorerVersion}`) ?? [];
          }),
      }),
      queue: process.wrap(this.backfillQueue),
      rules: process.wrap(this.#ruleStore),
    };
  }

  /** Within a session. */
  readonly #search = {
    find: async ({ experimentIds, within, before, ascending, limit }: TimeQuery) => {
      const isIn = ({ experimentId, facts }: TraceInfo) =>
        experimentIds.includes(experimentId) && sessionOf(facts) === within?.id;
      const found = [...this.index.entries.values()].flatMap(({ info }) =>
        isIn(info) ? { traceId: info.traceId, position: `${info.facts.requestTime}#${info.traceId}` } : [],
      );
      const sorted = found.toSorted((a, b) => (a.position < b.position ? -1 : 1));
      const ordered = ascending ? sorted : sorted.reverse();
      const from = before === undefined ? 0 : ordered.findIndex(({ position }) => position === before) + 1;
      return ordered.slice(from, from + limit);
    },
  };

  readonly #ruleStore = {
    current: async () => this.rules,
    version: async () => this.rules,
    replace: async (rules: Rules) => {
      if (!this.rulesAreWritten) return false;
      if (rules.version !== this.rules.version + 1) return false;
      this.rules = rules;
      return true;
    },
  };

  readonly #outcomes = {
    put: async (outcomes: readonly EvaluationOutcome[]) => this.#putOutcomes(outcomes),
    lease: async (running: EvaluationOutcome, now: number) => {
      const before = this.#outcomeOf(running);
      if (before?.state === 'running' && (before.until ?? 0) > now) return false;
      const isAsked = running.backfillId !== undefined && before?.backfillId !== running.backfillId;
      if (before && isFinished(before) && before.revision >= running.revision && !isAsked) return false;
      this.#putOutcomes([running]);
      return true;
    },
    replace: async (before: EvaluationOutcome, after: EvaluationOutcome) => {
      const now = this.#outcomeOf(before);
      if (now?.state !== before.state || now.finishedAt !== before.finishedAt) return false;
      this.#putOutcomes([after]);
      return true;
    },
    remove: async (traceId: string, scorers: readonly SelectedScorer[]) => {
      for (const { name, version } of scorers) this.#outcomesOf(traceId)?.delete(`${name}#${version}`);
    },
    putOff: async (held: EvaluationOutcome, dueAt: number) => {
      const now = this.#outcomeOf(held);
      if (now?.state !== 'held' || now.finishedAt !== held.finishedAt) return false;
      this.#putOutcomes([{ ...now, dueAt }]);
      return true;
    },
  };

  #outcomeOf({ traceId, scorerName, scorerVersion }: EvaluationOutcome): EvaluationOutcome | undefined {
    return this.#outcomesOf(traceId)?.get(`${scorerName}#${scorerVersion}`);
  }

  #outcomesOf(traceId: string): Map<string, EvaluationOutcome> | undefined {
    return this.index.entries.get(traceId)?.outcomes ?? this.index.heldOfGone.get(traceId);
  }

  #object(key: string): Uint8Array {
    const bytes = this.objects.get(key);
    if (!bytes) throw new Error(`no object ${key}`);
    return bytes;
  }

  #putAssessments(assessments: readonly Assessment[]): readonly Assessment[] {
    return assessments.filter((assessment) =>
      this.index.entries.get(assessment.traceId)?.assessments.set(assessment.assessmentId, assessment),
    );
  }

  #putOutcomes(outcomes: readonly EvaluationOutcome[]): void {
    for (const outcome of outcomes) {
      this.#outcomesOf(outcome.traceId)?.set(`${outcome.scorerName}#${outcome.scorerVersion}`, outcome);
    }
  }
}
