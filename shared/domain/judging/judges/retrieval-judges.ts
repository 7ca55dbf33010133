import type { ScorableTrace } from '../../scorable-trace.ts';
import type { ScorerResult } from '../../scorer.ts';
import { estimateTokens } from '../estimate-tokens.ts';
import { type Conclusion, cannotJudge, type JudgePlan, type Question, resultOf, type Verdict } from '../judge.ts';
import { type Omission, type Section, textSection } from '../material.ts';
import { type Chunk, chunkLine, type Retrieval, retrievals } from '../reading/retrieval.ts';
import { expectedAnswer, expectedFacts } from './answer-judges.ts';
import {
  type Asked,
  answerSection,
  noInputs,
  noOutputs,
  ratingQuestion,
  requestSection,
  type TracePlanner,
} from './needs.ts';

/** Of one retriever, its first ones, which are its best: each costs a call, and all are judged in the time of one function. */
const maxJudged = 50;

/** Each document that was retrieved is judged by itself; the share of relevant ones is computed. */
export function retrievalRelevance(name: string, asked: Asked): TracePlanner {
  const task = `Decide whether the section "document", which a search brought up, helps with the section "request".

The result is "yes" if it contains something that could go into an answer, be it a part of it only. It is "no" if it is about something else, or merely shares words with the request.`;
  return withRetrievals((trace, found) => {
    const request = requestSection(trace);
    if (request === undefined) return noInputs();
    const questions = found.flatMap(({ chunks }) =>
      chunks
        .slice(0, maxJudged)
        .map(({ text }) => ratingQuestion(task, { material: [request, textSection('document', text)], asked })),
    );
    if (questions.length === 0) return cannotJudge('NO_RETRIEVAL', 'the retrievers of the trace found no documents');
    return { questions, conclude: (verdicts) => relevanceResults(found, { verdicts, name }) };
  });
}

function relevanceResults(
  found: readonly Retrieval[],
  { verdicts, name }: { verdicts: readonly Verdict[]; name: string },
): readonly Conclusion[] {
  let next = 0;
  return found.flatMap(({ spanId, chunks }) => {
    const results = chunks.slice(0, maxJudged).map((_, i): Conclusion => {
      const position = next++;
      const about = { spanId, metadata: { chunk_index: String(i) } };
      return { ...resultOf(verdicts[position] as Verdict, about), from: [position] };
    });
    return results.length === 0 ? [] : [precision(results, { spanId, name, chunks }), ...results];
  });
}

/** Of documents of which one could not be judged no share is known. */
function precision(
  results: readonly ScorerResult[],
  { spanId, name, chunks }: Retrieval & { name: string },
): Conclusion {
  const about = { name: `${name}/precision`, spanId, from: [], ...leftOut(chunks) };
  const failed = results.filter(({ error }) => error !== undefined).length;
  if (failed > 0) {
    const message = `${failed} of ${results.length} documents could not be judged`;
    return { ...about, value: null, error: { code: 'INCOMPLETE', message } };
  }
  return { ...about, value: results.filter(({ value }) => value === 'yes').length / results.length };
}

/** What was not judged, told as what was left out of a prompt is. */
function leftOut(chunks: readonly Chunk[]): Pick<Conclusion, 'metadata'> {
  const rest = chunks.slice(maxJudged);
  if (rest.length === 0) return {};
  const omission: Omission = {
    section: 'documents',
    entries: chunks.length,
    entriesLeftOut: rest.length,
    entriesShortened: 0,
    tokensLeftOut: rest.reduce((sum, { text }) => sum + estimateTokens(text), 0),
  };
  return { metadata: { 'assay.truncation': JSON.stringify([omission]) } };
}

/** Whether what was retrieved would do to answer; what was expected says what the answer is, where people said it. */
export function retrievalSufficiency(asked: Asked): TracePlanner {
  const task = `Decide whether the section "retrieved documents" holds all that is needed to answer the section "request".

Where there is a section "expected answer" or "expected facts", take what it says fact by fact: the result is "yes" if the documents state each fact, or it follows from them, and "no" if one cannot be had from them. Where there is none, work out what a full answer has to say: the result is "yes" if the documents hold it, and "no" if something essential is not in them. What you know yourself does not fill a gap.`;
  return perRetrieval((trace, documents) => {
    const request = requestSection(trace);
    if (request === undefined) return noInputs();
    return ratingQuestion(task, {
      material: [request, documents, ...expectedAnswer(trace), ...expectedFacts(trace)],
      asked,
    });
  });
}

/** Whether the answer says nothing that was not retrieved. */
export function retrievalGroundedness(asked: Asked): TracePlanner {
  const task = `Decide whether the section "answer", which replies to the section "request", rests on the section "retrieved documents".

Take what the answer states as a fact, statement by statement. The result is "yes" if the documents state each of them, or it follows from them or from the request. It is "no" if one is contradicted by the documents or cannot be found in them, true as it may be. Courtesies, questions and offers to help are no statements; an answer that says it does not know states nothing.`;
  return perRetrieval((trace, documents) => {
    const [request, answer] = [requestSection(trace), answerSection(trace)];
    if (request === undefined) return noInputs();
    if (answer === undefined) return noOutputs();
    return ratingQuestion(task, { material: [request, answer, documents], asked });
  });
}

/** One question a retriever, its verdict on the retriever's span. */
function perRetrieval(ask: (trace: ScorableTrace, documents: Section) => Question | JudgePlan): TracePlanner {
  return withRetrievals((trace, found) => {
    const questions: Question[] = [];
    for (const { chunks } of found) {
      const items = chunks.length > 0 ? chunks.map(chunkLine) : ['(nothing was found)'];
      const asked = ask(trace, { title: 'retrieved documents', items });
      if ('questions' in asked) return asked;
      questions.push(asked);
    }
    return {
      questions,
      conclude: (verdicts) =>
        verdicts.map((verdict, i) => ({ ...resultOf(verdict, { spanId: found[i]?.spanId }), from: [i] })),
    };
  });
}

function withRetrievals(plan: (trace: ScorableTrace, found: readonly Retrieval[]) => JudgePlan): TracePlanner {
  return (trace) => {
    const found = retrievals(trace);
    if (found.length === 0)
      return cannotJudge(
        'NO_RETRIEVAL',
        'the trace has no span of type RETRIEVER whose outputs are a list of documents',
      );
    return plan(trace, found);
  };
}
