/** A URL whose user and password can be decoded: both go to a server in clear. */
export function isWholeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** Which servers of those that a URL names a session may be on, in libpq's words (target_session_attrs). */
export const TARGETS = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;
export type Target = (typeof TARGETS)[number];

/** A database's URL, taken apart as libpq does it: pg knows neither several hosts nor target_session_attrs. */
interface DatabaseHosts {
  /** For each host, in their order, the whole URL with that host alone. */
  readonly urls: readonly string[];
  readonly target: Target;
}

/** scheme://, user and password and hosts, path, query. */
const PARTS = /^(postgres(?:ql)?:\/\/)([^/?#]*)([^?#]*)(?:\?([^#]*))?$/;
const TARGET = "target_session_attrs";
/** A name that would take the place of ours, by which processes tell each other's sessions apart. */
const OURS = "application_name";
/** Our own parameter: the file that the URL stands in, which may be changed under a process that runs. */
const FILE = "url_file";

const NO_URL =
  "is no URL: write /, ?, #, @, : and % in user and password as %2F, %3F, %23, %40, %3A and %25; " +
  "several hosts are separated by commas";

/**
 * @param text is to be a URL of PostgreSQL
 * @returns what it says, or what is wrong with it in words without any part of it that may be secret
 */
export function readDatabaseUrl(text: string): DatabaseHosts | string {
  if (!/^postgres(ql)?:\/\//.test(text)) return "must begin with postgres://";
  const [, scheme, authority, path, query = ""] = PARTS.exec(text) ?? [];
  if (scheme === undefined || authority === undefined || path === undefined) return NO_URL;
  const login = authority.slice(0, authority.lastIndexOf("@") + 1);
  // A / or ? in a password ends what is taken for the host, which may even look like one.
  if (login === "" && (path + query).includes("@")) return NO_URL;
  const hosts = authority.slice(login.length).split(",");
  const asked = new URLSearchParams(query);
  const target = asked.getAll(TARGET);
  const isList = hosts.length > 1;
  if (isList && hosts.includes("")) return "lists an empty host";
  if ((asked.get("host") ?? "").includes(",") || (isList && (asked.has("host") || asked.has("port")))) {
    return "lists hosts as a parameter: write them before the path, as in postgres://user@one:5432,two:5432/database";
  }
  if (target.length > 1) return `has ${TARGET} twice`;
  if (isList && target.length === 0) {
    return `lists several hosts: add ${TARGET}=read-write, by which the one is taken that takes writes`;
  }
  const [attrs = "any"] = target;
  if (!isTarget(attrs)) return `has a ${TARGET} that there isn't: it may be ${TARGETS.join(", ")}`;
  const rest = restOf(query, asked);
  const urls = hosts.map((host) => `${scheme}${login}${host}${path}${rest}`);
  return urls.every(isWholeUrl) ? { urls, target: attrs } : NO_URL;
}

/** @throws Error where it is none: a setting was checked when it was read */
export function databaseHosts(databaseUrl: string): DatabaseHosts {
  const hosts = readDatabaseUrl(databaseUrl);
  if (typeof hosts === "string") throw new Error(`a database's URL ${hosts}`);
  return hosts;
}

/** The same URL, which is read anew from a file for each session. */
export const readAnewFrom = (databaseUrl: string, file: string): string =>
  `${databaseUrl}${databaseUrl.includes("?") ? "&" : "?"}${FILE}=${encodeURIComponent(file)}`;

/** The file that a URL is read from, and what the settings have added to it since. */
export function sourceOf(databaseUrl: string): { readonly file: string; readonly added: string } | undefined {
  const [, file, added = ""] = new RegExp(`[?&]${FILE}=([^&]*)(.*)$`).exec(databaseUrl) ?? [];
  return file === undefined ? undefined : { file: decodeURIComponent(file), added };
}

const isTarget = (text: string): text is Target => (TARGETS as readonly string[]).includes(text);

/** The query without what is ours to say; as it was where there is none of that. */
function restOf(query: string, asked: URLSearchParams): string {
  const ours = [TARGET, OURS, FILE].filter((name) => asked.has(name));
  if (ours.length === 0) return query === "" ? "" : `?${query}`;
  const rest = new URLSearchParams(asked);
  for (const name of ours) rest.delete(name);
  return rest.size === 0 ? "" : `?${rest}`;
}
