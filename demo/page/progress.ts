import { faint, good } from './format.ts';

/** What is going on: on a terminal one line that changes, else one line for each step when it is done. */
export interface Progress {
  /** Begins a step, which ends the one before. */
  step(title: string): void;
  /** How far the step is. */
  update(detail: string): void;
  /** Ends the last step. */
  done(): void;
}

export function showProgress(out: NodeJS.WriteStream, now: () => number): Progress {
  const began = now();
  let current: { title: string; detail: string } | undefined;
  const line = () => `${current?.title}${current?.detail ? `  ${current.detail}` : ''}`;
  const rewrite = (text: string) => out.isTTY && out.write(`\r\x1b[2K${text}`);
  const done = () => {
    if (current === undefined) return;
    rewrite('');
    out.write(`${good('✓')} ${line()}  ${faint(`${((now() - began) / 1000).toFixed(1)} s`)}\n`);
    current = undefined;
  };
  return {
    step(title) {
      done();
      current = { title, detail: '' };
      rewrite(`… ${line()}`);
    },
    update(detail) {
      if (current) current.detail = detail;
      rewrite(`… ${line()}`);
    },
    done,
  };
}
