/**
 * Why a state failed, as an expression for what catches it. The cause is JSON: of a Lambda function with its stack, of Athena the whole
 * execution, which begins with the text of the query. What is worth telling is in one field of it.
 */
export function failureOf(field: 'errorMessage' | 'StateChangeReason'): string {
  const found = `$match($states.errorOutput.Cause, /"${field}":"([^"]*)/)[0]`;
  const cause = '$exists($found) ? $found.groups[0] : $states.errorOutput.Cause';
  return `{% ($found := ${found}; $substring($states.errorOutput.Error & ': ' & (${cause}), 0, 500)) %}`;
}
