/**
 * JSON in one form: keys sorted, no white space, numbers as doubles. PostgreSQL keeps what jsonb means and not how it was
 * written, so that a text and what comes back of it are told to be the same by their forms. Numbers that are one double are
 * one here.
 * @throws SyntaxError of what isn't JSON
 */
export const jsonForm = (text: string): string => formOf(JSON.parse(text));

function formOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formOf).join()}]`;
  if (typeof value !== "object" || value === null)
    return typeof value === "number" ? String(value) : JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, held]) => `${JSON.stringify(key)}:${formOf(held)}`).join()}}`;
}

/** A text that isn't JSON, or is nested too deeply, is PostgreSQL's to refuse. */
export function jsonFormOrText(text: string): string {
  try {
    return jsonForm(text);
  } catch {
    return text;
  }
}
