/**
 * Text of someone else, made safe to stand between delimiters. What could pass for a delimiter of ours, or for a token by which a model
 * tells roles apart, loses its bracket; characters that a person does not see and a model reads are left out, and what is half of one is
 * replaced. Everything else stays as it
 * is, since it is what has to be judged: an instruction in it is a finding.
 */
export function neutralize(text: string): string {
  return text
    .replace(unseen, '')
    .replace(delimiterLike, (tag) => `‹${tag.slice(1)}`)
    .replace(roleToken, (token) => `‹${token.slice(1)}`)
    .replace(instructionToken, (token) => `⟦${token.slice(1)}`)
    .toWellFormed();
}

/** Control characters, marks that turn the direction of writing, and tag characters, in which whole messages are hidden. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unseen = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069\ufeff]|\udb40[\udc00-\udc7f]/g;

/** `</material-…`, in any case and with look-alike brackets. */
const delimiterLike = /[<＜﹤〈⟨](?=[\s\u200b-\u200d\u2060]*[/／]?[\s\u200b-\u200d\u2060]*material)/giu;

/** `<|im_start|>`, `<｜User｜>`, `<start_of_turn>`, `<<SYS>>`, `</s>`: endpoints that serve open models may read them as roles. */
const roleToken = /<(?=[|｜]|\/?s>|(?:start|end)_of_turn>|<\/?SYS>)/gi;

/** `[INST]`, `[/INST]`, `[SYSTEM_PROMPT]` */
const instructionToken = /\[(?=\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS)\])/gi;
