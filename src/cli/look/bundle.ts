import type { Config } from "../../config.ts";
import { SETTING_NAMES, SETTINGS } from "../../settings.ts";

const HIDDEN = "(hidden)";
/** A shorter one would blot out words that have nothing to do with it; it is in no message of ours in the first place. */
const SECRET_LENGTH_MIN = 4;

/** Parts of a URL that may be secret: the login, a registry's path, the parameters' values, also decoded. */
function urlSecrets(text: string): string[] {
  const login = /^[a-z+]+:\/\/([^/?#]*)@/i.exec(text)?.[1] ?? "";
  const [user = "", ...rest] = login.split(":");
  const password = rest.join(":");
  const values = text.includes("?")
    ? [...new URLSearchParams(text.slice(text.indexOf("?") + 1))].map(([, value]) => value)
    : [];
  // A registry's user may be a token, and so may a part of its path.
  const isHttp = /^https?:/.test(text) && URL.canParse(text);
  const ofHttp = isHttp ? [user, decoded(user), ...new URL(text).pathname.split("/")] : [];
  return [login, password, decoded(password), ...ofHttp, ...values];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * What was found, for others' eyes: without any secret setting's value, and without what of a URL may be secret. No message of
 * ours has them; this is for those of libraries and servers.
 */
export function redacted<T>(report: T, config: Config): T {
  const values = SETTING_NAMES.flatMap((name) => {
    const { secret } = SETTINGS[name] as { secret?: boolean };
    const value: unknown = config[name];
    return secret && typeof value === "string" ? [value, ...urlSecrets(value)] : [];
  });
  const known = [...new Set(values)].filter((value) => value.length >= SECRET_LENGTH_MIN && !COMMON.has(value));
  // The longest first, or a part of one would leave the rest of it standing.
  const longestFirst = known.sort((a, b) => b.length - a.length);
  const hide = (text: string) => longestFirst.reduce((shown, value) => shown.replaceAll(value, HIDDEN), text);
  return JSON.parse(JSON.stringify(report, (_, value) => (typeof value === "string" ? hide(value) : value))) as T;
}

/** What URLs have in them and isn't secret. */
const COMMON = new Set([
  ...["require", "prefer", "disable", "allow", "verify-ca", "verify-full", "system", "read-write", "true", "false"],
  ...["api", "apis", "ccompat", "confluent", "registry", "schema-registry"],
]);
