/** What is wrong with a value, as the end of a sentence that begins with the field's name; null when nothing is. */
export type Check = (value: unknown) => string | null;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Lower case only: ids are message keys too, and two spellings of one id would go to two partitions. */
export function checkUuid(value: unknown): string | null {
  if (typeof value !== "string") return "must be a UUID as text";
  return UUID.test(value) ? null : "must be a UUID in lower case, as in 0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d";
}

/** Whether a value is a UUID as events spell it. */
export const isUuid = (value: unknown): value is string => checkUuid(value) === null;

/** PostgreSQL's text can't hold a NUL, and Avro's UTF-8 can't hold half a surrogate pair. */
export function checkText(value: unknown): string | null {
  if (typeof value !== "string") return "must be text";
  if (value.includes("\0")) return "must not hold a NUL character";
  return value.isWellFormed() ? null : "must not hold a lone surrogate";
}

export function checkTexts(value: unknown): string | null {
  if (!Array.isArray(value)) return "must be a list of texts";
  for (let i = 0; i < value.length; i++) {
    const wrong = checkText(value[i]);
    if (wrong !== null) return `item ${i} ${wrong}`;
  }
  return null;
}

export function checkJson(value: unknown): string | null {
  if (typeof value !== "string") return "must be JSON text";
  const wrong = checkText(value);
  if (wrong !== null) return wrong;
  try {
    return storableInJsonb(JSON.parse(value), 0)
      ? null
      : `must not hold an escaped NUL or lone surrogate, nor more than ${JSON_DEPTH_MAX} levels`;
  } catch {
    return "must be valid JSON text";
  }
}

/** PostgreSQL reads jsonb by recursion and gives up at some thousand levels; no honest document has a hundred. */
const JSON_DEPTH_MAX = 100;

/** jsonb refuses NULs and half surrogate pairs, which an escape brings past a check of the text itself. */
function storableInJsonb(value: unknown, depth: number): boolean {
  if (typeof value === "string") return checkText(value) === null;
  if (typeof value !== "object" || value === null) return true;
  if (depth === JSON_DEPTH_MAX) return false;
  for (const [key, inner] of Object.entries(value)) {
    if (checkText(key) !== null || !storableInJsonb(inner, depth + 1)) return false;
  }
  return true;
}
