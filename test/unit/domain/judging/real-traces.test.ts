import { describe, expect, test } from 'vitest';
import { defaultLimits } from '../../../../shared/domain/judging/asking/limits.ts';
import { fitSections } from '../../../../shared/domain/judging/material.ts';
import { traceDigest } from '../../../../shared/domain/judging/reading/digest.ts';
import { offeredTools, toolCalls } from '../../../../shared/domain/judging/reading/tools.ts';
import type { ScorableTrace } from '../../../../shared/domain/scorable-trace.ts';
import { measureDigest } from '../../../bench/measure-digest.ts';
import { hasSharedData } from '../../../support/shared-data.ts';
import { sharedTraces } from '../../../support/shared-traces.ts';

const digestOf = (trace: ScorableTrace) =>
  Object.fromEntries(fitSections(traceDigest(trace), 1e6).map(({ title, text }) => [title, text]));

describe.skipIf(!hasSharedData)('traces that no one here wrote', () => {
  test('of an agent that repeats its history in every call take less than a tenth of their tokens, and lose nothing', () => {
    const traces = sharedTraces('airline.otlp.jsonl.gz');
    expect(traces).toHaveLength(80);
    const measured = traces.map((trace) => measureDigest(trace, defaultLimits.materialTokens));
    const sum = (key: 'plainTokens' | 'digestTokens') => measured.reduce((total, one) => total + one[key], 0);
    expect(sum('digestTokens') / sum('plainTokens')).toBeLessThan(0.1);
    for (const trace of traces.slice(0, 20)) {
      const { request, answer, steps } = digestOf(trace);
      const whole = [request, answer, steps].join('\n');
      for (const call of toolCalls(trace)) {
        expect(whole).toContain(`${call.name}(${call.argumentsText})`);
        expect(whole).toContain(call.result ?? '');
      }
      expect(steps?.match(/# Airline Agent Policy/g)).toHaveLength(1);
    }
  });

  test.each<[string, readonly (string | RegExp)[]]>([
    [
      'otel_genai_convention.otlp.json',
      ["What's the weather in Paris and London?", /get_weather\(.*Paris/, 'service timeout'],
    ],
    ['adk_live.otlp.json', ['You are a math assistant', /calculator\(\{"expression":"15 \* 37"\}\)/]],
    ['openai_agents_genai_live.otlp.json', ['AMZN: $240.98', /multiply_numbers\(/, 'coordinator agent']],
    ['openai_agents_openinference_live.otlp.json', [/divide_numbers\(/, '42 multiplied by 17', 'math specialist']],
    ['autogen_live.otlp.json', [/calculate/]],
    ['claude_live.otlp.json', [/Bash\(/]],
  ])('of %s are read in their dialect', (file, expected) => {
    const text = sharedTraces(file)
      .map((trace) => JSON.stringify(digestOf(trace)).replaceAll('\\"', '"'))
      .join('\n');
    for (const one of expected) typeof one === 'string' ? expect(text).toContain(one) : expect(text).toMatch(one);
  });

  test.each([
    ['otel_genai_convention.otlp.json', 1],
    ['openai_agents_openinference_live.otlp.json', 5],
    ['openai_agents_genai_live.otlp.json', 7],
    ['adk_live.otlp.json', 1],
  ])('of %s tell that %i tools were offered', (file, count) => {
    expect(new Set(sharedTraces(file).flatMap(offeredTools)).size).toBe(count);
  });
});
