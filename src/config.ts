import { readFileSync } from "node:fs";
import type { z } from "zod";
import { TradetapeError } from "./errors.ts";
import { RETIRED, SETTINGS, type Setting, type SettingName } from "./settings.ts";

export type Config = { readonly [K in SettingName]: z.output<(typeof SETTINGS)[K]["schema"]> };

/**
 * The settings from flags (by setting name), then the environment, then the defaults.
 * @throws TradetapeError config_invalid that lists every problem, without any secret's value.
 */
export function readConfig(
  flags: { readonly [K in SettingName]?: string | undefined } = {},
  env: NodeJS.ProcessEnv = process.env,
): Config {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, s] of Object.entries(SETTINGS) as [SettingName, Setting<z.ZodType>][]) {
    const parsed = s.schema.safeParse(flags[name] ?? fromEnvironment(s, env, problems));
    if (parsed.success) config[name] = parsed.data;
    else {
      const where = flags[name] === undefined ? s.env : (s.flag ?? s.env);
      for (const issue of parsed.error.issues) problems.push(`${where}: ${issue.message}`);
    }
  }
  for (const [name, now] of Object.entries(RETIRED)) {
    if (env[name]) problems.push(`${name} is read no longer: unset it and use ${now}`);
  }
  checkTogether(config as Config, problems);
  if (problems.length > 0) {
    throw new TradetapeError("config_invalid", problems.join("\n"), {
      next: "Correct them; `tradetape help config` has every setting with its meaning.",
    });
  }
  return config as Config;
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

function checkTogether(config: Config, problems: string[]): void {
  if (config.kafkaSaslMechanism && !(config.kafkaSaslUsername && config.kafkaSaslPassword)) {
    problems.push("KAFKA_SASL_MECHANISM is set: KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be, too");
  }
  if (Boolean(config.kafkaSslCertFile) !== Boolean(config.kafkaSslKeyFile)) {
    problems.push("KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE go together");
  }
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
