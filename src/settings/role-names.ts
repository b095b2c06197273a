/** The roles of a database, by the names that the migrations give them. */
export const ROLES = ["tradetape_owner", "tradetape_lander", "tradetape_reader", "tradetape_ops"] as const;
export type Role = (typeof ROLES)[number];
export const OWNER: Role = "tradetape_owner";

/** With the longest role's name behind it, a prefix stays within PostgreSQL's 63 bytes; roles that begin with pg_ are its own. */
export const ROLE_PREFIX = /^((?!pg_)[a-z][a-z0-9_]{0,39})?$/;

/** Our own parameter: the setting `rolePrefix`, where a session is opened. */
export const PREFIXED = "role_prefix";

/** The same URL, whose sessions call the roles by this prefix, unless it names one itself. */
export function prefixingRoles(url: string, prefix: string): string {
  const [, query] = url.split("?", 2);
  if (prefix === "" || new URLSearchParams(query).has(PREFIXED)) return url;
  return `${url}${query === undefined ? "?" : "&"}${PREFIXED}=${prefix}`;
}

export const rolePrefixOf = (url: string): string => new URLSearchParams(url.split("?", 2)[1]).get(PREFIXED) ?? "";

/** A text, as of a migration, with the roles called as a database with this prefix has them. */
export const namedBy = (prefix: string, text: string): string =>
  text.replaceAll(/\btradetape_(owner|lander|reader|ops)\b/g, `${prefix}$&`);

/** The prefix in the name of a database's owner; undefined where that isn't one of these roles. */
export const prefixInOwner = (owner: string): string | undefined => /^(.*)tradetape_owner$/.exec(owner)?.[1];
