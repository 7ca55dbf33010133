/** What models and people write for yes and no, as MLflow reads it (mlflow/genai/judges/constants.py, 3.18). */
const affirmative: ReadonlySet<string> = new Set(
  (
    'true pass passed correct success 1 1.0 yes y yea yeah affirmative absolutely certainly indeed sure ok okay agree accepted right ' +
    'positive accurate valid validity confirmed approved complete completed good great excellent active enabled on present found match ' +
    'matched validated approve accept pos'
  ).split(' '),
);

const negative: ReadonlySet<string> = new Set([
  'not approved',
  ...(
    'false fail failed incorrect failure 0 0.0 no n nah nope negative reject rejected disagree invalid inaccurate wrong declined denied ' +
    'incomplete bad poor inactive disabled off missing absent notfound mismatch mismatched none null nil deny disapprove disapproved neg'
  ).split(' '),
]);

/** Undefined for what is neither. */
export function readYesNo(value: string | number | boolean): boolean | undefined {
  const word = String(value)
    .trim()
    .toLowerCase()
    .replace(/(?<!\d)[.!]$/, '');
  if (affirmative.has(word)) return true;
  return negative.has(word) ? false : undefined;
}
