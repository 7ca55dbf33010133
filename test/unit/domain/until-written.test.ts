import { expect, it } from 'vitest';
import { untilWritten } from '../../../shared/domain/until-written.ts';

/** A writer whom others outrun so many times. */
function outrun(times: number) {
  let tries = 0;
  return async () => (++tries > times ? 'written' : undefined);
}

it('a change is repeated on top of what others wrote, and given up when they are always first', async () => {
  expect(await untilWritten('the rules of experiment 1 are', outrun(7))).toBe('written');
  await expect(untilWritten('the rules of experiment 1 are', outrun(8))).rejects.toMatchObject({
    code: 'REQUEST_LIMIT_EXCEEDED',
    message: 'the rules of experiment 1 are being changed by too many at once: try again',
  });
});
