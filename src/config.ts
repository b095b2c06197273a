import type { z } from "zod";
import { misspeltVariables, unknownOptions, unknownVariables } from "./config/names.ts";
import { readSecretFile, type SecretFiles } from "./config/secrets.ts";
import { TradetapeError } from "./errors.ts";
import type { GiveToken } from "./settings/give-token.ts";
import { loginProblems } from "./settings/logins.ts";
import { transportProblems } from "./settings/plaintext.ts";
import { prefixingRoles } from "./settings/role-names.ts";
import { tooFewSessions } from "./settings/sessions.ts";
import type { Setting } from "./settings/setting.ts";
import { allowingPlaintext } from "./settings/transport.ts";
import { readAnewFrom } from "./settings/urls.ts";
import { SETTING_NAMES, SETTINGS, type SettingName } from "./settings.ts";

export type Config = { readonly [K in SettingName]: z.output<(typeof SETTINGS)[K]["schema"]> } & {
  readonly secretFiles: SecretFiles;
  readonly kafkaToken: GiveToken | undefined;
};

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
  /** Gives the tokens of logins to Kafka: a program's own, in the place of a setting. */
  readonly kafkaToken?: GiveToken | undefined;
}

/**
 * The settings that are given (by setting name), then those of the environment, then the defaults.
 * @throws TradetapeError config_invalid that lists every problem, names that no setting has among them, without any
 * secret's value.
 */
export function readConfig(
  values: { readonly [K in SettingName]?: string | undefined } = {},
  env: NodeJS.ProcessEnv = process.env,
  { given = "flag", fixed = [], doubt, kafkaToken }: Sources = {},
): Config {
  const isGiven = (name: SettingName) => values[name] !== undefined || fixed.includes(name);
  const doubts = misspeltVariables(env, isGiven);
  const wrong = doubts.filter(({ isNeeded }) => isNeeded).map(({ text }) => text);
  const problems = [...unknownOptions(values, given), ...unknownVariables(env), ...wrong];
  const secretFiles: { [K in SettingName]?: string } = {};
  const config: Record<string, unknown> = { secretFiles, kafkaToken };
  for (const name of SETTING_NAMES) {
    const s: Setting<z.ZodType> = SETTINGS[name];
    const called = given === "option" ? `option ${name}` : (s.flag ?? s.env);
    const isFixed = fixed.includes(name);
    if (isFixed && values[name] !== undefined) problems.push(`${called}: not for this command, whose stack is its own`);
    const file = isGiven(name) ? undefined : secretFileOf(s, env);
    if (file !== undefined) secretFiles[name] = file;
    const parsed = s.schema.safeParse(isFixed ? undefined : (values[name] ?? fromEnvironment(s, env, file, problems)));
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
  const read = config as Config;
  return { ...read, databaseUrl: urlOf(read, "databaseUrl"), databaseReadUrl: urlOf(read, "databaseReadUrl") };
}

/** A database's URL, which goes without its settings to whoever opens a session: it says itself what they say of it. */
function urlOf(config: Config, name: "databaseUrl" | "databaseReadUrl"): string | undefined {
  const { [name]: url, secretFiles } = config;
  const { [name]: file } = secretFiles;
  return url && underSettings(config, file === undefined ? url : readAnewFrom(url, file));
}

/** A database's URL under the settings that are in force, as the one of DATABASE_URL is. */
export function underSettings({ allowPlaintext, rolePrefix }: Config, databaseUrl: string): string {
  const url = prefixingRoles(databaseUrl, rolePrefix);
  return allowPlaintext ? allowingPlaintext(url) : url;
}

const secretFileOf = (s: Setting<z.ZodType>, env: NodeJS.ProcessEnv): string | undefined =>
  s.secret ? env[`${s.env}_FILE`] || undefined : undefined;

function fromEnvironment(
  s: Setting<z.ZodType>,
  env: NodeJS.ProcessEnv,
  file: string | undefined,
  problems: string[],
): string | undefined {
  const direct = env[s.env] || undefined;
  if (file === undefined) return direct;
  if (direct !== undefined) problems.push(`${s.env} and ${s.env}_FILE are both set: keep one`);
  try {
    return readSecretFile(file);
  } catch (cause) {
    problems.push(`${s.env}_FILE: ${(cause as Error).message}`);
    return undefined;
  }
}

function checkTogether(config: Config, env: NodeJS.ProcessEnv, problems: string[]): void {
  problems.push(...loginProblems(config));
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

/**
 * The same for what only reads: DATABASE_READ_URL is enough of a database then.
 * @throws TradetapeError config_invalid naming each one that is missing.
 */
export function requireReading(
  config: Config,
  ...names: ("kafkaBrokers" | "schemaRegistryUrl")[]
): { databaseUrl: string } {
  const { databaseReadUrl } = config;
  const { databaseUrl } = requireServices(
    { ...config, databaseUrl: databaseReadUrl ?? config.databaseUrl },
    "databaseUrl",
    ...names,
  );
  return { databaseUrl };
}
