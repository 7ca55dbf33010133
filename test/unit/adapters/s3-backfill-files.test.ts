import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { s3SliceDecisions } from '../../../shared/adapters/s3-backfill-files.ts';
import { toDecisionText } from '../../../shared/contracts/backfill-files.ts';
import { nothingDecided } from '../../../shared/domain/backfilling/backfill.ts';

const aDecision = (revision: number) => ({
  decided: [{ ...nothingDecided, enqueued: 1 }],
  wanted: [{ traceId: 'tr-1', revision, scorers: [0] }],
});

/** An S3 that refuses to overwrite, and has a decision already. */
function aClient(httpStatusCode: number): S3Client {
  const send = async (command: unknown) => {
    if (command instanceof GetObjectCommand)
      return { Body: { transformToString: async () => toDecisionText(aDecision(1)) } };
    throw new S3ServiceException({ name: 'no', $fault: 'client', $metadata: { httpStatusCode } });
  };
  return { send } as unknown as S3Client;
}

describe('a decision that another has made first', () => {
  const backfill = { experimentId: '7', backfillId: 'b1' };

  it('stands', async () => {
    expect(await s3SliceDecisions(aClient(412), 'bucket').put(backfill, 3, aDecision(2))).toEqual(aDecision(1));
  });

  it('that is being written fails the call, to be repeated', async () => {
    await expect(s3SliceDecisions(aClient(409), 'bucket').put(backfill, 3, aDecision(2))).rejects.toThrow();
  });
});
