import { describe, expect, it } from 'vitest';
import { isAllowed, type Statement } from '../../../local/gateway/policy.ts';

const allow = (Action: string | string[], Resource: string | string[]): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
});
const table = 'arn:aws:dynamodb:us-east-1:1:table/t';

describe('a policy', () => {
  it.each([
    {
      what: 'the very action and resource',
      statements: [allow('dynamodb:Query', table)],
      action: 'dynamodb:Query',
      resource: table,
      allowed: true,
    },
    {
      what: 'another action',
      statements: [allow('dynamodb:Query', table)],
      action: 'dynamodb:PutItem',
      resource: table,
      allowed: false,
    },
    {
      what: 'an index of a table that is granted',
      statements: [allow('dynamodb:Query', table)],
      action: 'dynamodb:Query',
      resource: `${table}/index/i`,
      allowed: false,
    },
    {
      what: 'an action in other case',
      statements: [allow('dynamodb:query', table)],
      action: 'dynamodb:Query',
      resource: table,
      allowed: true,
    },
    {
      what: 'a resource in other case',
      statements: [allow('dynamodb:Query', table.toUpperCase())],
      action: 'dynamodb:Query',
      resource: table,
      allowed: false,
    },
    {
      what: 'what a star stands for',
      statements: [allow('s3:Get*', 'arn:aws:s3:::b/segments/*')],
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::b/segments/1/2',
      allowed: true,
    },
    {
      what: 'what a star does not reach',
      statements: [allow('s3:Get*', 'arn:aws:s3:::b/segments/*')],
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::b/inbox/1',
      allowed: false,
    },
    {
      what: 'a dot as any character',
      statements: [allow('s3:GetObject', 'arn:aws:s3:::a.b/*')],
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::axb/k',
      allowed: false,
    },
    {
      what: 'what is granted but denied',
      statements: [allow('*', '*'), { Effect: 'Deny', Action: 's3:PutObject', Resource: '*' } as const],
      action: 's3:PutObject',
      resource: 'x',
      allowed: false,
    },
    { what: 'anything, without a statement', statements: [], action: 's3:PutObject', resource: 'x', allowed: false },
  ])('decides on $what: $allowed', ({ statements, action, resource, allowed }) => {
    expect(isAllowed({ action, resource }, statements)).toBe(allowed);
  });
});
