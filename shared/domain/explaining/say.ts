import type { Assessment } from '../assessment.ts';
import type { ScorerExplanation, SessionFate, TraceExplanation } from './explanation.ts';

/** One sentence for people: why a scorer did, or did not, judge the trace. */
export function say(scorer: ScorerExplanation, trace: TraceExplanation): string {
  const said = sayReason(scorer, trace);
  return 'otherwiseNow' in scorer && scorer.otherwiseNow
    ? `${said}. As the trace is now it would not be selected (${sayReason({ ...scorer, ...scorer.otherwiseNow }, trace)}): it has changed since; the decision stands`
    : said;
}

function sayReason(scorer: ScorerExplanation, trace: TraceExplanation): string {
  switch (scorer.kind) {
    case 'open':
      return sayOpen(scorer);
    case 'undecided':
      return 'the trace is complete; it is decided within seconds, when its spans are merged';
    case 'not-registered':
      return scorer.registeredAt === undefined
        ? 'no scorer of this name was ever registered'
        : `it was registered at ${time(scorer.registeredAt)}, after the trace was decided`;
    case 'not-started':
      return `it was registered and not started${trace.decision ? ' when the trace was decided' : ''}`;
    case 'stopped':
      return `it ${was(trace)} stopped: its rate ${was(trace)} 0`;
    case 'paused':
      return `it ${was(trace)} paused: ${scorer.reason}`;
    case 'session-level':
      return scorer.session === undefined
        ? 'it judges sessions, and the trace is of none'
        : `it judges sessions: ${saySession(scorer.session, scorer.sampleRate)}`;
    case 'evaluation-run':
      return `the trace belongs to run ${scorer.runId}, and traces of runs are left to them`;
    case 'not-matched':
      return `its filter does not match: ${scorer.clause}`;
    case 'not-sampled':
      return `the trace is not in its sample: u = ${coordinate(scorer.u)} is not below its rate, ${scorer.rate}`;
    case 'changed':
      return 'it was not selected when the trace was decided; as the trace is now it would be: it has changed since; the decision stands';
    case 'queued':
      return `selected (u = ${coordinate(trace.u)} is below its rate, ${scorer.sampleRate}); the evaluation waits in the queue`;
    case 'running':
      return `selected, and being judged since ${time(scorer.finishedAt)}`;
    case 'held':
      return `selected and not judged yet: ${scorer.reason}; ${scorer.until === undefined ? 'a backfill can judge it later' : `it is tried again at ${time(scorer.until)} or soon after`}`;
    case 'failed':
      return `it failed at ${time(scorer.finishedAt)}: ${scorer.reason}`;
    case 'done':
      return scorer.found.length > 0
        ? `judged at ${time(scorer.finishedAt)}: ${scorer.found.map(sayFound).join(', ')}`
        : `judged at ${time(scorer.finishedAt)}; what it found was deleted since`;
  }
}

function saySession(session: SessionFate, rate: number | undefined): string {
  switch (session.kind) {
    case 'waiting':
      return session.dueAt === undefined
        ? `session ${session.sessionId} is judged when it has been quiet for a while`
        : `session ${session.sessionId} is judged at ${time(session.dueAt)} or within a minute, unless it goes on before`;
    case 'not-started':
      return `it was not started when session ${session.sessionId} was decided`;
    case 'stopped':
      return 'it was stopped: its rate was 0';
    case 'paused':
      return `it was paused: ${session.reason}`;
    case 'not-matched':
      return `its filter does not match the first trace of session ${session.sessionId}: ${session.clause}`;
    case 'not-sampled':
      return `session ${session.sessionId} is not in its sample: u = ${coordinate(session.u)} is not below its rate, ${rate ?? session.rate}`;
    case 'held':
      return `session ${session.sessionId} was selected and is not judged yet: ${session.reason ?? 'no reason was kept'}`;
    case 'failed':
      return `it failed on session ${session.sessionId} at ${time(session.finishedAt)}: ${session.reason ?? 'no reason was kept'}`;
    case 'done':
      return `session ${session.sessionId} was judged at ${time(session.finishedAt)}; what was found stands at its first trace, ${session.firstTraceId}`;
  }
}

function sayOpen(open: Extract<ScorerExplanation, { kind: 'open' }>): string {
  const here = `${open.spansHere} ${open.spansHere === 1 ? 'span is' : 'spans are'} here`;
  const awaited =
    open.spansExpected === undefined || open.spansHere >= open.spansExpected
      ? `${here}, and no root span among them has ended`
      : `${here} of the ${open.spansExpected} that its client counted`;
  const closes =
    open.closesAt === undefined ? '' : `; it is closed as incomplete at ${time(open.closesAt)} if no more come`;
  return `the trace is not complete yet: ${awaited}${closes}`;
}

function was({ decision }: TraceExplanation): string {
  return decision ? 'was' : 'is';
}

function sayFound({ name, value, error }: Assessment): string {
  return `${name} = ${error ? error.code : typeof value === 'string' ? value : JSON.stringify(value)}`;
}

function coordinate(u: number): string {
  return u.toFixed(6);
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
