/**
 * SQL's LIKE: `%` is any run of characters, `_` any one; the pattern stands for the whole text. Case is ignored on request.
 * Takes at most pattern × text steps, and one `indexOf` for the usual `%word%`.
 */
export function compileLike(pattern: string, { ignoreCase }: { ignoreCase: boolean }): (text: string) => boolean {
  const match = compileCaseSensitive(ignoreCase ? pattern.toLowerCase() : pattern);
  return ignoreCase ? (text) => match(text.toLowerCase()) : match;
}

function compileCaseSensitive(pattern: string): (text: string) => boolean {
  const [head = '', ...rest] = pattern.split('%');
  const tail = rest.pop();
  if (tail === undefined) return (text) => text.length === head.length && fitsAt(head, { text, at: 0 });
  const middles = rest.filter((part) => part !== '');
  const atLeast = head.length + tail.length;
  return (text) => {
    const tailAt = text.length - tail.length;
    if (text.length < atLeast || !fitsAt(head, { text, at: 0 }) || !fitsAt(tail, { text, at: tailAt })) return false;
    return findAll(middles, { text, from: head.length, to: tailAt });
  };
}

/** Whether the parts stand one after the other between two positions; the leftmost place of each leaves most room for the next. */
function findAll(parts: readonly string[], { text, from, to }: { text: string; from: number; to: number }): boolean {
  let at = from;
  for (const part of parts) {
    const found = find(part, { text, from: at });
    if (found === -1 || found + part.length > to) return false;
    at = found + part.length;
  }
  return true;
}

function find(part: string, { text, from }: { text: string; from: number }): number {
  if (!part.includes('_')) return text.indexOf(part, from);
  for (let at = from; at + part.length <= text.length; at += 1) {
    if (fitsAt(part, { text, at })) return at;
  }
  return -1;
}

function fitsAt(part: string, { text, at }: { text: string; at: number }): boolean {
  if (!part.includes('_')) return text.startsWith(part, at);
  for (let i = 0; i < part.length; i += 1) {
    if (part[i] !== '_' && part[i] !== text[at + i]) return false;
  }
  return true;
}
