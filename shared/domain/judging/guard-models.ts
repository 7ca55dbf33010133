import type { Clock } from '../ports.ts';
import {
  afterAnswer,
  afterFailure,
  afterThrottled,
  type Circuit,
  type Concurrency,
  closed,
  decideCall,
  joined,
  probeMs,
} from './circuit.ts';
import {
  ContextTooLongError,
  type JudgeAnswer,
  JudgeMisconfiguredError,
  type JudgeModel,
  JudgeOutOfTimeError,
  JudgeRejectedError,
  type JudgeRequest,
  JudgeTimeoutError,
  JudgeUnavailableError,
} from './judge-model.ts';
import { isTooLate } from './time-limit.ts';

/** What instances tell each other of models that do not answer. */
export interface CircuitBoard {
  /** Undefined: nothing is known against the model. */
  read(model: string): Promise<Circuit | undefined>;
  open(model: string, circuit: Circuit): Promise<void>;
  /** True for one of all who want to try a model out at a time. */
  claimProbe(model: string, claim: { readonly now: number; readonly until: number }): Promise<boolean>;
  /** Takes a claim back, unless another has been made meanwhile. */
  releaseProbe(model: string, claim: { readonly until: number }): Promise<void>;
  close(model: string): Promise<void>;
}

export interface GuardDeps {
  readonly board: CircuitBoard;
  readonly now: Clock;
  /** 0 to 1. */
  readonly chance: () => number;
  /** Of one model, in this instance. */
  readonly maxConcurrency: number;
  /** What the board failed with: the instance then goes by what it sees itself. */
  readonly report: (error: unknown) => void;
}

/** One read of the board in so long, of a model that is used. */
const boardMs = 10_000;
/** Calls that wait for their turn at a throttled model, for each that it takes: what comes beyond is worth a later delivery. */
const waitingPerCall = 4;
const comeBackMs = 5_000;
/** Of the 120 seconds that the function has which makes the call: what is left is for the call itself. */
const longestTurnMs = 45_000;

/**
 * Keeps calls from a model that is down, and as many as it takes from one that throttles. What it refuses it refuses at once, with
 * JudgeUnavailableError and the time after which to come back.
 */
export function modelGuards(deps: GuardDeps): (model: JudgeModel) => JudgeModel {
  const guards = new Map<string, ReturnType<typeof guardOf>>();
  return (model) => {
    const guard = guards.get(model.uri) ?? guardOf(model.uri, deps);
    guards.set(model.uri, guard);
    const { uri, contextTokens } = model;
    return { uri, contextTokens, complete: (request) => guard(request, model) };
  };
}

function guardOf(uri: string, { board, now, chance, maxConcurrency, report }: GuardDeps) {
  let circuit: Circuit = closed;
  let readAt = Number.NEGATIVE_INFINITY;
  let concurrency: Concurrency = { limit: maxConcurrency, decreasedAt: Number.NEGATIVE_INFINITY };
  let pausedUntil = 0;
  let inFlight = 0;
  const turns: (() => void)[] = [];

  let looking: Promise<void> | undefined;
  /** Of many calls that begin together one looks, and all wait for what it sees. */
  async function lookAtBoard(): Promise<void> {
    if (now() - readAt < boardMs) return looking;
    readAt = now();
    looking = board.read(uri).then(
      (others) => {
        circuit = joined(circuit, others);
      },
      (error) => report(error),
    );
    return looking;
  }

  function refuse(reason: 'throttled' | 'unavailable', until: number): never {
    const retryAfterMs = Math.max(1, until - now());
    throw new JudgeUnavailableError(`${uri} is ${reason}: not called again for ${retryAfterMs} ms`, {
      reason,
      retryAfterMs,
      call: 'not-made',
    });
  }

  /** Answers until when the call claims to be the one that tries the model out; undefined: it does not. */
  async function admit(): Promise<number | undefined> {
    await lookAtBoard();
    const decision = decideCall(circuit, now());
    if (decision.kind === 'wait') refuse('unavailable', decision.until);
    if (now() < pausedUntil) refuse('throttled', pausedUntil);
    if (decision.kind === 'call') return undefined;
    const until = now() + probeMs;
    // The others of this instance wait from now on.
    circuit = { ...circuit, probingUntil: until };
    const isClaimed = await board.claimProbe(uri, { now: now(), until }).catch((error: unknown) => {
      report(error);
      return true;
    });
    if (!isClaimed) {
      circuit = { ...circuit, probingUntil: now() + comeBackMs };
      // Whoever tries tells what came of it there.
      readAt = Number.NEGATIVE_INFINITY;
      refuse('unavailable', circuit.probingUntil);
    }
    return until;
  }

  async function takeTurn(): Promise<void> {
    if (inFlight < Math.floor(concurrency.limit)) {
      inFlight++;
      return;
    }
    const isThrottled = concurrency.limit < maxConcurrency;
    if (isThrottled && turns.length >= waitingPerCall * concurrency.limit) refuse('throttled', now() + comeBackMs);
    const since = now();
    await new Promise<void>((resolve) => turns.push(resolve));
    if (now() - since <= longestTurnMs) return;
    endTurn();
    refuse('throttled', now() + comeBackMs);
  }

  function endTurn(): void {
    inFlight--;
    while (turns.length > 0 && inFlight < Math.floor(concurrency.limit)) {
      inFlight++;
      turns.shift()?.();
    }
  }

  async function noteAlive(): Promise<void> {
    const wasOpen = circuit.openUntil > 0;
    circuit = closed;
    if (wasOpen) await board.close(uri).catch(report);
  }

  async function noteFailure(error: JudgeUnavailableError | JudgeTimeoutError, call: Call): Promise<void> {
    const isProbe = call.probingUntil !== undefined;
    const isThrottled = error instanceof JudgeUnavailableError && error.reason === 'throttled';
    const retryAfterMs = error instanceof JudgeUnavailableError ? error.retryAfterMs : undefined;
    if (isThrottled) {
      const before = concurrency.limit;
      concurrency = afterThrottled(concurrency, { startedAt: call.startedAt, now: now() });
      pausedUntil = Math.max(pausedUntil, now() + (retryAfterMs ?? 0));
      // A model that takes fewer calls is not down; one that takes not even one at a time is as good as down.
      if (before >= 2 && !isProbe) return;
    }
    const next = afterFailure(circuit, { now: now(), isProbe, retryAfterMs, chance: chance() });
    const opens = next.openUntil > circuit.openUntil;
    circuit = next;
    if (opens) await board.open(uri, next).catch(report);
  }

  /** The call was not made, or nobody knows: another may try at once. */
  async function noteNothing({ probingUntil }: Call): Promise<void> {
    if (probingUntil === undefined) return;
    circuit = { ...circuit, probingUntil: 0 };
    await board.releaseProbe(uri, { until: probingUntil }).catch(report);
  }

  async function noteEnd(error: unknown, call: Call): Promise<void> {
    if (isUnmade(error)) await noteNothing(call);
    else if (error instanceof JudgeUnavailableError || error instanceof JudgeTimeoutError)
      await noteFailure(error, call);
    // It answered, if only that it does not like the question.
    else if (answers.some((of) => error instanceof of)) await noteAlive();
    else await noteNothing(call);
  }

  return async (request: JudgeRequest, model: JudgeModel): Promise<JudgeAnswer> => {
    await takeTurn();
    try {
      if (isTooLate(request, now()))
        throw new JudgeOutOfTimeError(`${uri} could not be asked in time`, { beganAt: now() });
      const probingUntil = await admit();
      const call = { probingUntil, startedAt: now() };
      try {
        const answer = await model.complete(request);
        concurrency = afterAnswer(concurrency, maxConcurrency);
        await noteAlive();
        return answer;
      } catch (error) {
        await noteEnd(error, call);
        throw error;
      }
    } finally {
      endTurn();
    }
  };
}

const answers = [JudgeMisconfiguredError, JudgeRejectedError, ContextTooLongError];

function isUnmade(error: unknown): boolean {
  const isTold = error instanceof JudgeUnavailableError || error instanceof JudgeMisconfiguredError;
  return isTold && error.call === 'not-made';
}

interface Call {
  /** Of the one that tries the model out. */
  readonly probingUntil: number | undefined;
  readonly startedAt: number;
}
