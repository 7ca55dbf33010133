import { describe, expect, it } from 'vitest';
import { resolve, type Template } from '../../../local/template/resolve.ts';

const template: Template = { Resources: { Queue: { Type: 'AWS::SQS::Queue' } } };
const context = {
  template,
  names: {
    ref: (id: string) => `ref-of-${id}`,
    attribute: (id: string, _: unknown, name: string) => `${name}-of-${id}`,
  },
  pseudo: { 'AWS::Region': 'us-east-1' },
  imports: new Map([['Other:Export', 'imported']]),
};

describe('an intrinsic function', () => {
  it.each([
    [{ Ref: 'Queue' }, 'ref-of-Queue'],
    [{ Ref: 'AWS::Region' }, 'us-east-1'],
    [{ 'Fn::GetAtt': ['Queue', 'Arn'] }, 'Arn-of-Queue'],
    [{ 'Fn::GetAtt': 'Queue.Arn' }, 'Arn-of-Queue'],
    [{ 'Fn::Join': ['-', ['a', { Ref: 'Queue' }]] }, 'a-ref-of-Queue'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation spells its substitutions so
    [{ 'Fn::Sub': 'in ${AWS::Region} at ${Queue.Arn}, ${!literal}' }, 'in us-east-1 at Arn-of-Queue, ${!literal}'],
    [{ 'Fn::Select': ['1', { 'Fn::Split': ['/', 'a/b/c'] }] }, 'b'],
    [{ 'Fn::ImportValue': 'Other:Export' }, 'imported'],
    [
      { nested: [{ Ref: 'Queue' }], plain: 1 },
      { nested: ['ref-of-Queue'], plain: 1 },
    ],
  ])('in %j gives %j', (value, expected) => {
    expect(resolve(value, context)).toEqual(expected);
  });

  it.each([
    [{ 'Fn::Magic': 1 }, /does not know Fn::Magic/],
    [{ Ref: 'Missing' }, /no resource Missing/],
    [{ 'Fn::ImportValue': 'Nobody' }, /no stack exports Nobody/],
  ])('in %j is an error, not a guess', (value, message) => {
    expect(() => resolve(value, context)).toThrow(message);
  });
});
