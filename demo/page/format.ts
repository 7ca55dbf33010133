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
