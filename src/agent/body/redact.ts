/** What is taken out of a text before it is published. */
export interface RedactionRule {
  /** What stands in its place, as [redacted:email], and in the call's `redacted`. */
  readonly name: string;
  readonly pattern: RegExp;
  /** How many characters of a match, from its first one, are what the rule means; 0 where none are. Default: all of them. */
  readonly lengthOf?: (found: string) => number;
}

/** The names of JSON members whose texts are secrets, whatever they look like. */
const SECRET_NAMES = [
  ...["password", "passwd", "passphrase", "secret", "client[-_]?secret", "api[-_]?key", "private[-_]?key"],
  ...["authorization", "credentials", "(access|refresh|auth|id|session|bearer)[-_]?token"],
];
const SECRET_NAME = new RegExp(`^(x[-_])?(${SECRET_NAMES.join("|")})$`, "i");
const SECRET_MEMBER = "secret_member";

/** What lies deeper in a document isn't looked into, and so isn't kept. */
const DEPTH_MAX = 256;
const TOO_DEEP = "too_deep";

const digitsOf = (text: string) => text.replaceAll(/\D/g, "");

/** The longest beginning of a match that ends with a word and passes a test, as a number may stand behind a card's. */
const longest =
  (isMeant: (text: string) => boolean) =>
  (found: string): number => {
    const ends = [...found.matchAll(/\w(?!\w)/g)].map(({ index }) => index + 1).reverse();
    return ends.find((end) => isMeant(found.slice(0, end))) ?? 0;
  };

/** Whether the last digit of a card's number fits the others (ISO/IEC 7812, Luhn). */
function isCard(text: string): boolean {
  const digits = [...digitsOf(text)].reverse().map(Number);
  const sum = digits.reduce((all, digit, n) => all + (n % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0);
  return digits.length >= 13 && digits.length <= 19 && sum % 10 === 0;
}

/** Whether an account's check digits fit the others (ISO 13616, modulo 97). */
function isIban(text: string): boolean {
  const plain = text.replaceAll(" ", "");
  const turned = plain.slice(4) + plain.slice(0, 4);
  let rest = 0;
  for (const char of turned) rest = Number(`${rest}${Number.parseInt(char, 36)}`) % 97;
  return plain.length >= 15 && plain.length <= 34 && rest === 1;
}

/** Keys as those who hand them out write them. */
const API_KEYS = [
  ...[
    /(?:sk|rk|pk)-[\w-]{20,}/,
    /(?:sk|rk|pk|whsec)_(?:live_|test_)?\w{16,}/,
    /(?:AKIA|ASIA)[0-9A-Z]{16}/,
    /AIza[\w-]{35}/,
  ],
  ...[
    /gh[pousr]_\w{30,}/,
    /github_pat_\w{22,}/,
    /glpat-[\w-]{20,}/,
    /xox[abprs]-[\w-]{10,}/,
    /hf_\w{30,}/,
    /npm_\w{36}/,
  ],
];

/**
 * The rules of an agent that is given none: secrets first, then what tells who somebody is. Every repetition has a bound or
 * begins at one place of a run alone: a text of megabytes costs its length.
 */
export const REDACTION_RULES: readonly RedactionRule[] = [
  {
    name: "private_key",
    pattern: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g,
  },
  {
    name: "api_key",
    pattern: new RegExp(`(?<![\\w-])(?:${API_KEYS.map(({ source }) => source).join("|")})`, "g"),
  },
  { name: "token", pattern: /(?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}|\bBearer {1,4}[\w.~+/=-]{16,}/gi },
  { name: "url_password", pattern: /(?<=[a-z0-9]:\/\/)[^\s/:@"']{0,200}:[^\s/@"']{1,200}(?=@)/gi },
  {
    name: "password",
    pattern:
      /(?<![\w-])(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?token) {0,4}[:=] {0,4}[^\s"',;]{6,}/gi,
  },
  { name: "email", pattern: /(?<![\w.%+-])[\w.%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}/gi },
  { name: "card", pattern: /(?<![\w.+-])(?:[3-6]\d|2[2-7])(?:[ -]?\d){11,17}(?![\w.-])/g, lengthOf: longest(isCard) },
  { name: "iban", pattern: /(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)/g, lengthOf: longest(isIban) },
  { name: "phone", pattern: /(?<![\w.+-])\+[1-9](?:\d{10,14}|\d{0,2}(?:[ -]\(?\d{1,8}\)?){2,5})(?![\w.])/g },
  { name: "social_security", pattern: /(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-])/g },
];

/** Takes out of texts what rules name, and remembers which of them found something. */
export class Redactor {
  readonly #rules: readonly RedactionRule[];
  readonly #found = new Set<string>();

  constructor(rules: readonly RedactionRule[]) {
    this.#rules = rules.map(({ pattern, ...rule }) => ({
      ...rule,
      pattern: pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags}g`),
    }));
  }

  /** The rules that found something, in the order of their names; null where none did. */
  found(): string[] | null {
    return this.#found.size === 0 ? null : [...this.#found].sort();
  }

  /**
   * The text without what the rules name: itself where they name nothing in it. Of a JSON document its texts are looked at one by
   * one, so that what is left is a JSON document.
   */
  redact(text: string): string {
    const document = /^\s*[[{"]/.test(text) ? parsed(text) : undefined;
    if (document === undefined) return this.#ofPlain(text);
    const redacted = this.redactValue(document);
    return redacted === document ? text : JSON.stringify(redacted);
  }

  /** The same of a parsed document: itself where the rules name nothing in it. */
  redactValue(value: unknown, depth = 0): unknown {
    if (typeof value === "string") return this.redact(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth === DEPTH_MAX) return this.#instead(TOO_DEEP);
    if (Array.isArray(value)) {
      const items = value.map((item) => this.redactValue(item, depth + 1));
      return items.every((item, n) => item === value[n]) ? value : items;
    }
    const members = Object.entries(value).map(([name, member]) => {
      const isSecret = typeof member === "string" && member !== "" && SECRET_NAME.test(name);
      const left = isSecret ? this.#instead(SECRET_MEMBER) : this.redactValue(member, depth + 1);
      return { name, member, left, called: this.#ofPlain(name) };
    });
    if (members.every(({ name, member, left, called }) => left === member && called === name)) return value;
    return Object.fromEntries(members.map(({ called, left }) => [called, left]));
  }

  #ofPlain(text: string): string {
    let left = text;
    for (const rule of this.#rules) {
      const { name, pattern } = rule;
      left = rule.lengthOf
        ? this.#ofLength(left, rule, rule.lengthOf)
        : left.replaceAll(pattern, () => this.#instead(name));
    }
    return left;
  }

  /** Behind a match that isn't meant the search goes on within it: what is meant may begin there. */
  #ofLength(text: string, { name, pattern }: RedactionRule, lengthOf: (found: string) => number): string {
    let left = "";
    let from = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const length = lengthOf(match[0]);
      pattern.lastIndex = match.index + Math.max(length, 1);
      if (length === 0) continue;
      left += text.slice(from, match.index) + this.#instead(name);
      from = pattern.lastIndex;
    }
    return left + text.slice(from);
  }

  #instead(name: string): string {
    this.#found.add(name);
    return `[redacted:${name}]`;
  }
}

/** A JSON document's value; undefined for any other text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
