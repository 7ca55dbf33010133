interface Sizes {
  /** Of what stands in the group before the last atom. */
  total: number;
  last: number;
}

const counted = /\{(\d+)(,(\d*))?\}/y;
const named = /\\[pP]\{[^}]*\}/y;

/**
 * About how many atoms a regular expression has once counted repetitions are written out, from its text alone: `(ab{10}){5}` has 60.
 * Takes one pass, and no syntax for wrong: that is for the compiler to say.
 */
export function estimatePatternSize(pattern: string): number {
  const open: Sizes[] = [];
  let group: Sizes = { total: 0, last: 0 };
  const add = (size: number) => {
    group.total += group.last;
    group.last = size;
  };
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === '(') {
      open.push(group);
      group = { total: 0, last: 0 };
    } else if (char === ')') {
      const size = group.total + group.last + 2;
      group = open.pop() ?? { total: 0, last: 0 };
      add(size);
    } else if (char === '{') {
      const found = matchAt(counted, { pattern, at });
      if (found) {
        group.last *= Math.max(Number(found[1]), Number(found[3] ?? 0)) + 1;
        at += found[0].length - 1;
      } else add(1);
    } else {
      add(1);
      at = endOfAtom(pattern, at);
    }
  }
  return [...open, group].reduce((sum, { total, last }) => sum + total + last, 0);
}

/** Where the atom that begins here ends: an escape and a class are one. */
function endOfAtom(pattern: string, at: number): number {
  const char = pattern.charAt(at);
  if (char === '\\') return at + (matchAt(named, { pattern, at })?.[0].length ?? 2) - 1;
  return char === '[' ? endOfClass(pattern, at) : at;
}

function endOfClass(pattern: string, start: number): number {
  // A bracket that comes first, `[]a]` and `[^]a]`, stands for itself.
  let at = pattern.charAt(start + 1) === '^' ? start + 2 : start + 1;
  if (pattern.charAt(at) === ']') at += 1;
  while (at < pattern.length && pattern.charAt(at) !== ']') at += pattern.charAt(at) === '\\' ? 2 : 1;
  return at < pattern.length ? at : start;
}

function matchAt(regex: RegExp, { pattern, at }: { pattern: string; at: number }): RegExpExecArray | null {
  regex.lastIndex = at;
  return regex.exec(pattern);
}
