import { describe, expect, test } from 'vitest';
import { InvalidFilterError } from '../../../../shared/domain/filter/invalid-filter-error.ts';
import { matchFilter } from '../../../../shared/domain/filter/match-filter.ts';
import { needsAssessments, needsSpans } from '../../../../shared/domain/filter/needs.ts';
import { parseFilter } from '../../../../shared/domain/filter/parse-filter.ts';
import type { FilterSubject } from '../../../../shared/domain/filter/subject.ts';
import { aFilterSubject, anAssessment, aScorableSpan } from '../../../support/builders/a-scorable-trace.ts';

function matches(filter: string, subject: FilterSubject): boolean {
  return matchFilter(parseFilter(filter), subject).matched;
}

function refusalOf(filter: string): string {
  try {
    parseFilter(filter);
  } catch (error) {
    if (error instanceof InvalidFilterError) return error.message;
    throw error;
  }
  return 'not refused';
}

describe('a filter on the trace itself', () => {
  const subject = aFilterSubject({
    facts: {
      name: 'agent',
      durationMs: 2000,
      requestTime: 1000,
      tags: { 'a b': 'x', constructor: 'Benz', quote: "it''s", env: 'Prod', path: 'C:\\' },
      tokens: { inputTokens: 90, outputTokens: 10, totalTokens: 100 },
      cost: { inputCost: 0.01, outputCost: 0.02, totalCost: 0.03 },
      toolErrorCount: 2,
    },
  });

  test.each([
    ['end_time_ms = 3000', true],
    ['execution_time >= 2e3', true],
    ['timestamp > -5 AND timestamp < 1000.5', true],
    ["request_id = 'tr-0af7651916cd43dd8448eb211c80319c'", true],
    ['request_id NOT IN (\'tr-1\', "tr-2",)', true],
    ["status IN ('ERROR')", false],
    ['tags.`a b` = "x"', true],
    ['tags."a b" = \'x\'', true],
    ["tags.quote = 'it''s'", true],
    ["tags.path = 'C:\\'", true],
    ["tags.env = 'prod'", false],
    ["tags.env ILIKE 'prod'", true],
    ["tags.env LIKE 'P_od'", true],
    ["tags.env LIKE 'P_d'", false],
    ["tags.env RLIKE '^P.*d$'", true],
    ['tags.toString IS NULL', true],
    ["tags.constructor != 'x'", true],
    ["tags.absent != 'x'", false],
    ["trace.client_request_id != 'x'", false],
    ['trace.total_tokens >= 100', true],
    ['trace.input_tokens > 100', false],
    ['trace.total_cost > 0.02', true],
    ["trace.output_cost <= '0.02'", true],
    ['trace.tool_error_count > 1', true],
    ["tags.name = 'agent'", true],
  ])('%s is %s', (filter, expected) => {
    expect(matches(filter, subject)).toBe(expected);
  });

  test('what is not known matches no comparison', () => {
    expect(matches('trace.total_tokens >= 0', aFilterSubject())).toBe(false);
    expect(matches('trace.total_cost != 1', aFilterSubject())).toBe(false);
  });

  test('the duration of a trace is not known while nothing of it has ended', () => {
    const running = aFilterSubject({ facts: { state: 'IN_PROGRESS', durationMs: 0, requestTime: 1000 } });
    expect(matches('execution_time_ms < 100', running)).toBe(false);
    expect(matches('end_time_ms = 1000', running)).toBe(true);
    expect(matches('execution_time_ms < 100', aFilterSubject({ facts: { durationMs: 0 } }))).toBe(true);
  });

  test('tokens and cost are metadata, too, as MLflow shows them', () => {
    const tokens = { inputTokens: 9, outputTokens: 1, totalTokens: 10, cacheReadInputTokens: 2 };
    const subject = aFilterSubject({ facts: { tokens } });
    expect(matches('metadata.mlflow.trace.tokenUsage IS NOT NULL', subject)).toBe(true);
    expect(matches('metadata.`mlflow.trace.tokenUsage` LIKE \'%"cache_read_input_tokens":2%\'', subject)).toBe(true);
    expect(matches('metadata.mlflow.trace.cost IS NULL', subject)).toBe(true);
  });

  test.each([
    ['as a fact of the spans', { sessionId: 's1', userId: 'u1' }],
    ['in metadata', { metadata: { 'mlflow.trace.session': 's1', 'mlflow.trace.user': 'u1' } }],
    ['in tags', { tags: { 'mlflow.trace.session': 's1', 'mlflow.trace.user': 'u1' } }],
  ])('session and user are found under every spelling when they came %s', (_how, facts) => {
    for (const where of ['trace.session', 'metadata.`mlflow.trace.session`', 'tags.mlflow.trace.session']) {
      expect(matches(`${where} = 's1'`, aFilterSubject({ facts }))).toBe(true);
    }
    for (const where of ['trace.user', 'request_metadata.mlflow.trace.user', 'tag.`mlflow.trace.user`']) {
      expect(matches(`${where} = 'u1'`, aFilterSubject({ facts }))).toBe(true);
    }
  });

  test('a tag that is really called text is a tag, though MLflow reads the spans', () => {
    expect(matches("tags.text LIKE '%x%'", aFilterSubject({ facts: { tags: { text: 'axb' } } }))).toBe(true);
    expect(matches("tags.text LIKE '%x%'", aFilterSubject())).toBe(false);
  });

  test.each([
    ["run_id = 'sent'", true],
    ["run_id = 'linked'", true],
    ["metadata.`mlflow.sourceRun` = 'linked'", true],
    ["run_id = 'other'", false],
    // As in MLflow only equality sees the runs that were linked afterwards.
    ["run_id != 'linked'", true],
    ["run_id LIKE 'link%'", false],
  ])('%s is %s of a trace that was sent from one run and linked to another', (filter, expected) => {
    const facts = { metadata: { 'mlflow.sourceRun': 'sent' }, linkedRuns: ['linked'] };
    expect(matches(filter, aFilterSubject({ facts }))).toBe(expected);
  });

  test('a prompt is found by name and version', () => {
    const facts = {
      tags: { 'mlflow.linkedPrompts': '[{"name": "p", "version": "1"}, {"name": "q", "version": "2"}]' },
    };
    expect(matches("prompt = 'q/2'", aFilterSubject({ facts }))).toBe(true);
    expect(matches("prompt = 'q/1'", aFilterSubject({ facts }))).toBe(false);
    expect(matches("prompt = 'q/1'", aFilterSubject({ facts: { tags: { 'mlflow.linkedPrompts': 'no json' } } }))).toBe(
      false,
    );
  });
});

describe('a filter on spans', () => {
  const subject = aFilterSubject({
    spans: [
      aScorableSpan({
        span: { name: 'llm', attributes: { model: 'gpt-4o', mlflow: '"quoted"', n: 5, deep: { a: [1n] } } },
      }),
      aScorableSpan({
        span: {
          name: 'tool',
          status: { code: 'ERROR', message: 'Timed out' },
          events: [{ timeUnixNano: 0n, name: 'exception', attributes: { reason: 'no route' } }],
        },
        facts: { type: 'TOOL' },
      }),
    ],
  });

  test.each([
    ["span.name = 'llm' AND span.status = 'OK'", true],
    ["span.name = 'llm' AND span.status = 'ERROR'", false],
    ["span.type IN ('TOOL') AND span.name != 'llm'", true],
    ["span.attributes.model = 'gpt-4o'", true],
    ["span.attributes.`mlflow` = 'quoted'", true],
    ["span.attributes.n = '5'", true],
    ['span.attributes.deep LIKE \'%"1"%\'', true],
    ["span.attributes.absent != 'x'", false],
    ["span.content LIKE '%Timed out%'", true],
    ["trace.text ILIKE '%NO ROUTE%'", true],
    ["trace.text LIKE '%nowhere%'", false],
  ])('%s is %s', (filter, expected) => {
    expect(matches(filter, subject)).toBe(expected);
  });
});

describe('a filter on assessments', () => {
  const subject = aFilterSubject({
    assessments: [
      anAssessment({ name: 'stars', value: 4 }),
      anAssessment({ name: 'text', value: '0.9' }),
      anAssessment({ name: 'flag', value: true }),
      anAssessment({ name: 'old', value: 'yes', valid: false }),
      anAssessment({ name: 'answer', value: 'Paris', kind: 'expectation' }),
      anAssessment({ name: 'name', value: 'x' }),
    ],
  });

  test.each([
    ['feedback.stars > 3.5', true],
    ['feedback.stars > 4', false],
    ['feedback.stars = 4', true],
    ["feedback.stars = '4'", true],
    ["feedback.stars = '4.0'", true],
    ["feedback.stars != '4.0'", false],
    ['feedback.stars != 5', true],
    ['feedback.text > 0.5', false],
    ["feedback.text = '0.9'", true],
    ['feedback.flag > 0', false],
    ["feedback.flag = 'true'", true],
    ['feedback.old IS NULL', true],
    ["feedback.old = 'yes'", false],
    ["feedback.absent != 'x'", false],
    ["expectation.answer LIKE 'Par%'", true],
    ["expectation.answer RLIKE '^\"Par'", true],
    ['feedback.answer IS NOT NULL', false],
    ["feedback.name = 'x'", true],
  ])('%s is %s', (filter, expected) => {
    expect(matches(filter, subject)).toBe(expected);
  });
});

describe('a filter that does not match', () => {
  test('names the first clause that does not hold, as it was written', () => {
    const outcome = matchFilter(
      parseFilter("status = 'OK' and tags.env   =   'prod' AND name = 'x'"),
      aFilterSubject(),
    );
    expect(outcome).toEqual({ matched: false, clause: "tags.env = 'prod'" });
  });

  test('is decided without reading spans where a cheaper clause fails', () => {
    const subject = { ...aFilterSubject(), spans: () => expect.fail('spans were read') };
    expect(matches("span.name = 'llm' AND status = 'ERROR'", subject)).toBe(false);
  });

  test('names the conditions on spans together, since one span must satisfy them all', () => {
    const outcome = matchFilter(parseFilter("span.name = 'a' AND span.type = 'LLM'"), aFilterSubject());
    expect(outcome).toEqual({ matched: false, clause: "span.name = 'a' AND span.type = 'LLM'" });
  });
});

describe('what a filter needs', () => {
  test.each([
    ["name = 'x'", false, false],
    ["trace.text LIKE '%x%'", true, false],
    ["span.name = 'x' AND feedback.a IS NULL", true, true],
    ["expectation.a = 'x'", false, true],
  ])('%s: spans %s, assessments %s', (filter, spans, assessments) => {
    expect(needsSpans(parseFilter(filter))).toBe(spans);
    expect(needsAssessments(parseFilter(filter))).toBe(assessments);
  });
});

describe('an invalid filter', () => {
  test.each([
    ["feedback.score > '0.5'", "Expected a numeric value for feedback when using comparator '>'. Got value '0.5'"],
    ["tags.a-b = 'x'", "Invalid comparison clause. Expected 'Identifier' found 'tags.a-b'. Write a key"],
    ["'OK' = status", "Invalid comparison clause. Expected 'Identifier' found ''OK''"],
    [
      "status = 'OK'; name = 'x'",
      `Search filter contained multiple expression "status = 'OK'; name = 'x'". Provide AND-ed`,
    ],
    ['   ', "Invalid filter '   '. Could not be parsed."],
    ["status IN 'OK'", "Invalid clause(s) in filter string: 'status', 'IN', ''OK''"],
    ['status IN ()', 'expected a non-empty list of string values, but got empty list'],
    ['status IN (1)', 'but got different type in list: (1)'],
    ["status IN ('a' 'b')", 'but got ill-formed list.'],
    ["execution_time IN ('1')", 'Only attributes in {'],
    ['status = 1', "Only the '{"],
    ["status NOT LIKE 'a'", "Invalid comparator 'NOT LIKE' not one of"],
    ["tags.a == 'x'", "Invalid comparator '==' not one of"],
    [
      "span.foo = 'x'",
      "Invalid span attribute 'foo'. Supported attributes: name, status, type, attributes.<attribute_name>.",
    ],
    ["span.attributes. = 'x'", "Span attribute name cannot be empty after 'attributes.'"],
    ["span.content = 'x'", "span.content comparator '=' not one of '{'LIKE', 'ILIKE'}'"],
    ["issue.foo = 'x'", "Invalid issue attribute 'foo'. Supported attributes: id"],
    ["prompt = 'x'", 'Expected format: prompt = "name/version"'],
    ['tags.x = `a`', 'Parameter value is either not quoted'],
    ["tags.x = 'open", "Invalid clause(s) in filter string: 'tags.x', '=', ''open'"],
    ["name RLIKE '('", 'Invalid regular expression for RLIKE: '],
    ["name RLIKE '(?=x)'", 'Invalid regular expression for RLIKE: '],
    ["constructor.x = 'a'", "Invalid entity type 'constructor'"],
    ["execution_time_ms > 'soon'", "Expected a numeric value for attribute. Got value 'soon'"],
  ])('%s is refused in words that say why', (filter, message) => {
    expect(refusalOf(filter)).toContain(message);
  });
});
