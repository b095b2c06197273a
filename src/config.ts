import { readFileSync } from "node:fs";
import type { z } from "zod";
import { TradetapeError } from "./errors.ts";
import { transportProblems } from "./settings/plaintext.ts";
import { nearest, resembles } from "./settings/resemblance.ts";
import { prefixingRoles } from "./settings/role-names.ts";
import { tooFewSessions } from "./settings/sessions.ts";
import { allowingPlaintext } from "./settings/transport.ts";
import { COMPOSE_VARIABLES, RETIRED } from "./settings/unread.ts";
import { NEEDS, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from "./settings.ts";

export type Config = { readonly [K in SettingName]: z.output<(typeof SETTINGS)[K]["schema"]> };

/** Where settings come from, beside what is given by name. */
interface Sources {
  /** What gives them: a message calls a setting by its flag, or as the option of `connect`. */
  readonly given?: "flag" | "option";
  /** Settings that neither a flag nor the environment has a say in: they have their defaults. */
  readonly fixed?: readonly SettingName[];
  /**
   * Is told what looks like an optional setting misspelt, each as a line to warn with: in an environment that is shared, it may
   * as well be another program's, which has it as it should be.
   */
  readonly doubt?: (text: string) => void;
}

/**
 * The settings that are given (by setting name), then those of the environment, then the defaults.
 * @throws TradetapeError config_invalid that lists every problem, names that no setting has among them, without any
 * secret's value.
 */
export function readConfig(
  values: { readonly [K in SettingName]?: string | undefined } = {},
  env: NodeJS.ProcessEnv = process.env,
  { given = "flag", fixed = [], doubt }: Sources = {},
): Config {
  const isGiven = (name: SettingName) => values[name] !== undefined || fixed.includes(name);
  const doubts = misspeltVariables(env, isGiven);
  const wrong = doubts.filter(({ isNeeded }) => isNeeded).map(({ text }) => text);
  const problems = [...unknownOptions(values, given), ...unknownVariables(env), ...wrong];
  const config: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const s: Setting<z.ZodType> = SETTINGS[name];
    const called = given === "option" ? `option ${name}` : (s.flag ?? s.env);
    const isFixed = fixed.includes(name);
    if (isFixed && values[name] !== undefined) problems.push(`${called}: not for this command, whose stack is its own`);
    const parsed = s.schema.safeParse(isFixed ? undefined : (values[name] ?? fromEnvironment(s, env, problems)));
    if (parsed.success) config[name] = parsed.data;
    else {
      const where = values[name] === undefined ? s.env : called;
      for (const issue of parsed.error.issues) problems.push(`${where}: ${issue.message}`);
    }
  }
  checkTogether(config as Config, env, problems);
  if (problems.length > 0) {
    // What lacks beside something that is wrong may be what was misspelt.
    const all = [...new Set([...problems, ...doubts.map(({ text }) => text)])];
    throw new TradetapeError("config_invalid", all.join("\n"), {
      next: "Correct them; `tradetape help config` has every setting with its meaning.",
    });
  }
  // Those that look like a setting that is needed are among the problems.
  for (const { text } of doubts) doubt?.(text);
  if (config.databaseUrl) config.databaseUrl = underSettings(config as Config, config.databaseUrl as string);
  return config as Config;
}

/** A database's URL under the settings that are in force, as the one of DATABASE_URL is. */
export function underSettings({ allowPlaintext, rolePrefix }: Config, databaseUrl: string): string {
  const url = prefixingRoles(databaseUrl, rolePrefix);
  return allowPlaintext ? allowingPlaintext(url) : url;
}

/** Options of `connect` that are none: a program in JavaScript has no compiler that says so. */
function unknownOptions(values: object, given: "flag" | "option"): string[] {
  if (given === "flag") return [];
  const names: readonly string[] = SETTING_NAMES;
  const byVariable = new Map<string, string>(SETTING_NAMES.map((name) => [SETTINGS[name].env, name]));
  return Object.keys(values)
    .filter((name) => !names.includes(name))
    .map((name) => `option ${name}: there is none, ${byVariable.get(name) ?? nearest(name, names)} is meant, perhaps`);
}

/**
 * What Kubernetes and Docker tell a container of a service that happens to be called tradetape, or tradetape-something:
 * TRADETAPE_SERVICE_HOST, TRADETAPE_PORT=tcp://..., TRADETAPE_PORT_8080_TCP_ADDR.
 */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** Variables of our prefix that nobody reads: a setting that is misspelt would be another than somebody thinks. */
function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known: readonly string[] = SETTING_NAMES.map((name) => SETTINGS[name].env);
  const isOurs = (name: string, value: string) =>
    /^TRADETAPE_/i.test(name) &&
    !known.includes(name) &&
    !COMPOSE_VARIABLES.includes(name) &&
    !SERVICE_LINK.test(name) &&
    !SERVICE_ADDRESS.test(value);
  return Object.entries(env).flatMap(([name, value]) => {
    if (!value || !isOurs(name, value)) return [];
    const now = RETIRED[name];
    if (now !== undefined) return [`${name} is read no longer: unset it and use ${now}`];
    return [`${name} is no setting: unset it; ${nearest(name.toUpperCase(), known)} is meant, perhaps`];
  });
}

/** How names begin that our settings share with those of other programs, which are none of our business. */
const SHARED = ["KAFKA_", "SCHEMA_REGISTRY"];

/** No command that needs these goes on without them: a variable that resembles one of them is refused. */
const NEEDED: readonly string[] = [SETTINGS.kafkaBrokers.env, SETTINGS.schemaRegistryUrl.env];

/** A variable that looks like a setting of ours misspelt. */
interface Doubt {
  readonly text: string;
  /** Whether that setting is NEEDED. */
  readonly isNeeded: boolean;
}

/**
 * Variables that look like a setting of ours misspelt, where that setting isn't given otherwise: without it a connection would
 * lack its login, say.
 * @param isGiven whether a setting is given by name, or asks neither a flag nor the environment
 */
function misspeltVariables(env: NodeJS.ProcessEnv, isGiven: (name: SettingName) => boolean): Doubt[] {
  const files = (name: string) => `${name}_FILE`;
  const ours = new Map(SETTING_NAMES.map((name) => [SETTINGS[name].env as string, name]));
  return Object.entries(env).flatMap(([name, value]) => {
    const spelt = name.toUpperCase();
    const prefix = SHARED.find((one) => spelt.startsWith(one));
    if (!value || prefix === undefined || ours.has(name)) return [];
    const known = [...ours.keys()].filter((other) => other.startsWith(prefix));
    const like = known.filter((other) => resembles(spelt, other, prefix));
    if (like.length === 0 || known.some((other) => name === files(other))) return [];
    const meant = nearest(spelt, like);
    if (env[meant] || env[files(meant)] || isGiven(ours.get(meant)!)) return [];
    return [{ text: `${name} is no setting: unset it; ${meant} is meant, perhaps`, isNeeded: NEEDED.includes(meant) }];
  });
}

function fromEnvironment(s: Setting<z.ZodType>, env: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  const direct = env[s.env] || undefined;
  const file = s.secret ? env[`${s.env}_FILE`] : undefined;
  if (file === undefined) return direct;
  if (direct !== undefined) problems.push(`${s.env} and ${s.env}_FILE are both set: keep one`);
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    problems.push(`${s.env}_FILE: ${(cause as Error).message}`);
    return undefined;
  }
}

function checkTogether(config: Config, env: NodeJS.ProcessEnv, problems: string[]): void {
  const alone = NEEDS.filter(([name, needed]) => config[name] && !config[needed]);
  problems.push(...alone.map(([name, needed]) => `${SETTINGS[name].env} is set: ${SETTINGS[needed].env} must be, too`));
  problems.push(...transportProblems(config, env));
  const sessions = tooFewSessions(config.databaseSessionsMax, config.landingConnections);
  if (sessions !== undefined) problems.push(sessions);
  if (config.lockTimeoutMs * 2 > config.sessionTimeoutMs) {
    problems.push("TRADETAPE_LOCK_TIMEOUT_MS must be at most half of TRADETAPE_SESSION_TIMEOUT_MS");
  }
}

/**
 * The three addresses that most commands need.
 * @throws TradetapeError config_invalid naming each one that is missing.
 */
export function requireServices<K extends "databaseUrl" | "kafkaBrokers" | "schemaRegistryUrl">(
  config: Config,
  ...names: K[]
): Config & { readonly [N in K]: NonNullable<Config[N]> } {
  const missing = names.filter((name) => config[name] === undefined).map((name) => SETTINGS[name].env);
  if (missing.length > 0) {
    throw new TradetapeError("config_invalid", `not set: ${missing.join(", ")}`, {
      next: "Set them, or start a local stack with `tradetape up --detach`, which prints them.",
    });
  }
  return config as Config & { readonly [N in K]: NonNullable<Config[N]> };
}
