import { styleText } from 'node:util';

/** Colours appear only where the output is a terminal that wants them (`NO_COLOR`): styleText asks the stream. */
export function heading(text: string): string {
  return styleText('bold', text, { stream: process.stdout });
}

export function good(text: string): string {
  return styleText('green', text, { stream: process.stdout });
}

export function bad(text: string): string {
  return styleText('red', text, { stream: process.stdout });
}

export function faint(text: string): string {
  return styleText('dim', text, { stream: process.stdout });
}

export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

/** A dollar is enough for ten thousand judgements of a small model: four digits of it. */
export function usd(nanoUsd: number): string {
  return (nanoUsd / 1e9).toFixed(4);
}

/** Terminals are at least so wide. */
const lineWidth = 80;

/** Items one behind the other, on as many lines as it takes. */
export function wrapped(items: readonly string[], separator = '  '): readonly string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + separator.length + item.length <= lineWidth)
      lines.splice(-1, 1, `${last}${separator}${item}`);
    else lines.push(`  ${item}`);
  }
  return lines;
}

/** Hashes and long texts by their beginning. */
export function shortened(text: string): string {
  return text.length > 44 ? `${text.slice(0, 43)}…` : text;
}
