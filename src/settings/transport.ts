import { isLocalHost } from "./local-host.ts";
import { PREFIXED, ROLE_PREFIX } from "./role-names.ts";

/** How a login to PostgreSQL is protected, in libpq's words. */
export const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type SslMode = (typeof SSL_MODES)[number];
const BINDINGS = ["disable", "prefer", "require"] as const;
const NEGOTIATIONS = ["postgres", "direct"] as const;
const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

/** How the sessions with one host are protected, as its URL and the environment say. */
export interface Transport {
  /** The URL without what is said here; pg means something else by it, or nothing. */
  readonly url: string;
  readonly host: string;
  readonly mode: SslMode;
  /** For each try in turn, whether it is by TLS; none where this may not go in clear, and can't go otherwise. */
  readonly ways: readonly boolean[];
  /** Files; `system` in the place of the first one is what this machine trusts. */
  readonly files: { readonly rootCert?: string; readonly cert?: string; readonly key?: string };
  readonly keyPassword: string | undefined;
  readonly binding: (typeof BINDINGS)[number];
  readonly negotiation: (typeof NEGOTIATIONS)[number];
  readonly minVersion: (typeof VERSIONS)[number];
}

/** Our own parameter: the setting `allowPlaintext`, where a session is opened. */
const ALLOWED = "allow_plaintext";

/** The same URL, whose sessions may go in clear to a host that isn't local. */
export function allowingPlaintext(url: string): string {
  const [, query] = url.split("?", 2);
  if (new URLSearchParams(query).has(ALLOWED)) return url;
  return `${url}${query === undefined ? "?" : "&"}${ALLOWED}=true`;
}

/** Parameters by libpq's names, each with the variable that stands for it. */
const VARIABLES: Readonly<Record<string, string | undefined>> = {
  sslmode: "PGSSLMODE",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  sslpassword: undefined,
  channel_binding: "PGCHANNELBINDING",
  sslnegotiation: "PGSSLNEGOTIATION",
  ssl_min_protocol_version: "PGSSLMINPROTOCOLVERSION",
};

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  sslmode: SSL_MODES,
  channel_binding: BINDINGS,
  sslnegotiation: NEGOTIATIONS,
  ssl_min_protocol_version: VERSIONS,
};

/** What would protect a session with libpq, and does nothing here: who asks for it must not believe that it does. */
const UNHEEDED: Readonly<Record<string, string | undefined>> = {
  require_auth: "PGREQUIREAUTH",
  requirepeer: "PGREQUIREPEER",
  requiressl: "PGREQUIRESSL",
  sslcertmode: "PGSSLCERTMODE",
  sslcrl: "PGSSLCRL",
  sslcrldir: "PGSSLCRLDIR",
  ssl_max_protocol_version: "PGSSLMAXPROTOCOLVERSION",
};

/** pg's own, in the place of which libpq has sslmode. */
const PGS_OWN = ["ssl", "uselibpqcompat"];

/**
 * @param url of one host
 * @returns what is wrong with it, in words that follow the setting's name, where that is so
 */
export function readTransport(url: string, env: NodeJS.ProcessEnv = process.env): Transport | string {
  const asked = new URL(url).searchParams;
  const known = [...Object.keys(VARIABLES), ...PGS_OWN, ALLOWED, PREFIXED];
  const twice = [...known, ...Object.keys(UNHEEDED)].find((name) => asked.getAll(name).length > 1);
  if (twice !== undefined) return `has ${twice} twice`;
  if (!ROLE_PREFIX.test(asked.get(PREFIXED) ?? "")) return `has a ${PREFIXED} that no role can have`;
  const unheeded = unheededOf(asked, env);
  if (unheeded !== undefined) return unheeded;
  const given = (name: string): string | undefined => asked.get(name) ?? (env[VARIABLES[name] ?? ""] || undefined);
  const rootCert = given("sslrootcert");
  const unknown = Object.entries(CHOICES).find(([name, all]) => !all.includes(given(name) ?? all[0]!));
  if (unknown !== undefined) return unknownChoice(...unknown, given("sslmode"));
  const chosen = {
    mode: (given("sslmode") ?? (rootCert === "system" ? "verify-full" : "prefer")) as SslMode,
    binding: (given("channel_binding") ?? "prefer") as Transport["binding"],
    negotiation: (given("sslnegotiation") ?? "postgres") as Transport["negotiation"],
    minVersion: (given("ssl_min_protocol_version") ?? "TLSv1.2") as Transport["minVersion"],
  };
  const host = hostOf(url, env);
  const weak = weaknessOf(chosen, rootCert, host);
  if (weak !== undefined) return weak;
  const isAllowed = asked.get(ALLOWED) === "true" || isLocalHost(host);
  const ways = waysOf(chosen, host).filter((isTls) => isTls || isAllowed);
  const files = { rootCert, cert: given("sslcert"), key: given("sslkey") };
  const rest = without(url, known);
  return { url: rest, host, ways, files: defined(files), keyPassword: given("sslpassword"), ...chosen };
}

/** What libpq refuses, too, because one of the two would not hold. */
function weaknessOf(
  { mode, binding, negotiation }: Pick<Transport, "mode" | "binding" | "negotiation">,
  rootCert: string | undefined,
  host: string,
): string | undefined {
  const isWeak = mode === "disable" || mode === "allow" || mode === "prefer";
  if (rootCert === "system" && mode !== "verify-full") return "has sslrootcert=system, which needs sslmode=verify-full";
  if (negotiation === "direct" && isWeak)
    return "has sslnegotiation=direct, which needs sslmode=require or a stronger one";
  const isNever = mode === "disable" || host.startsWith("/");
  if (binding === "require" && isNever) return "has channel_binding=require, which needs TLS";
  return undefined;
}

/** A Unix socket has no TLS, whatever the mode. */
function waysOf({ mode, binding }: Pick<Transport, "mode" | "binding">, host: string): readonly boolean[] {
  if (host.startsWith("/") || mode === "disable") return [false];
  if (binding === "require") return [true];
  if (mode === "allow") return [false, true];
  return mode === "prefer" ? [true, false] : [true];
}

function unheededOf(asked: URLSearchParams, env: NodeJS.ProcessEnv): string | undefined {
  for (const [name, variable = ""] of Object.entries(UNHEEDED)) {
    if (asked.has(name)) return `has ${name}, which nothing here heeds: take it out`;
    if (env[variable]) return `stands beside ${variable}, which nothing here heeds: unset it`;
  }
  if (asked.get("gssencmode") === "require" || (!asked.has("gssencmode") && env.PGGSSENCMODE === "require")) {
    return "has gssencmode=require (or PGGSSENCMODE), which nothing here heeds: take it out";
  }
  if (asked.has("ssl")) return "has ssl: write sslmode=require, or verify-full, in its place";
  // What it asks for is so.
  if (asked.has("uselibpqcompat") && asked.get("uselibpqcompat") !== "true") return "has uselibpqcompat: take it out";
  return undefined;
}

function unknownChoice(name: string, all: readonly string[], sslmode: string | undefined): string {
  const pgs = name === "sslmode" && sslmode === "no-verify" ? "; what pg calls no-verify is require" : "";
  return `has an unknown ${name} (or ${VARIABLES[name]}): it may be ${all.join(", ")}${pgs}`;
}

/** Where pg connects to. */
function hostOf(url: string, env: NodeJS.ProcessEnv): string {
  const { hostname, searchParams } = new URL(url);
  const named = searchParams.getAll("host").at(-1) || decodeURIComponent(hostname.replace(/^\[(.+)\]$/, "$1"));
  return named || env.PGHOST || "localhost";
}

/** The query is left as it was, apart from what is taken out. */
function without(url: string, names: readonly string[]): string {
  const [before = "", query = ""] = url.split("?", 2);
  const isKept = (part: string) => [...new URLSearchParams(part).keys()].some((name) => !names.includes(name));
  const rest = query.split("&").filter(isKept);
  return rest.length === 0 ? before : `${before}?${rest.join("&")}`;
}

const defined = <T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as never;
