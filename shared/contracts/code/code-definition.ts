import { Script } from 'node:vm';
import * as z from 'zod';
import { type CodeDefinition, ownFunctionPrefix } from '../../domain/code/code-definition.ts';

/** Code that a scorer must not be registered with; the message says what is wrong with it. */
export class InvalidCodeError extends Error {
  override readonly name = 'InvalidCodeError';
}

const maxSourceLength = 64 * 1024;

const schema = z.discriminatedUnion('language', [
  z.strictObject({
    language: z.literal('javascript'),
    source: z
      .string('must be the text of a function')
      .min(1, 'must not be empty')
      .max(maxSourceLength, `must have at most ${maxSourceLength} characters`),
  }),
  z
    .strictObject({
      language: z.literal('lambda'),
      function: z
        .string('must be the name of a Lambda function')
        .regex(
          new RegExp(`^${ownFunctionPrefix}[A-Za-z0-9_-]{1,50}(:[A-Za-z0-9$_-]{1,64})?$`),
          `must be the name of a Lambda function of this account that begins with ${ownFunctionPrefix}, with a version or an alias if it is to stay the same`,
        ),
    })
    .transform(({ language, function: functionName }) => ({ language, functionName })),
]) satisfies z.ZodType<CodeDefinition>;

/**
 * Parses `assay_code`: `{"language": "javascript", "source": "(inputs, outputs) => outputs.length < 500"}` or
 * `{"language": "lambda", "function": "assay-scorer-…"}`.
 * @throws InvalidCodeError
 */
export function parseCodeDefinition(value: unknown): CodeDefinition {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new InvalidCodeError(parsed.error.issues.map(explain).join('; '));
  if (parsed.data.language === 'javascript') checkSyntax(parsed.data.source);
  return parsed.data;
}

function explain({ code, path, message }: z.core.$ZodIssue): string {
  if (code === 'invalid_union') return 'language must be javascript or lambda';
  return `assay_code${path.map((part) => `.${String(part)}`).join('')}: ${message}`;
}

/**
 * Tells of syntax errors at registration. V8 only compiles here, nothing runs; what it takes and QuickJS does not is told by the first
 * assessment.
 */
function checkSyntax(source: string): void {
  if (compiles(`(${source}\n)`) === undefined) return;
  const problem = compiles(source);
  if (problem !== undefined) throw new InvalidCodeError(`source is no JavaScript: ${problem}`);
}

/** What hinders it. */
function compiles(source: string): string | undefined {
  try {
    // Read only for its errors.
    new Script(source, { filename: 'scorer.js' });
    return undefined;
  } catch (error) {
    const { message, stack = '' } = error as Error;
    const [, line] = /^scorer\.js:(\d+)/.exec(stack) ?? [];
    return line === undefined ? message : `${message} (line ${line})`;
  }
}
