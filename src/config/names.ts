import { nearest, resembles } from "../settings/resemblance.ts";
import { COMPOSE_VARIABLES, RETIRED } from "../settings/unread.ts";
import { SETTING_NAMES, SETTINGS, type SettingName } from "../settings.ts";

/** Options of `connect` that are none: a program in JavaScript has no compiler that says so. */
export function unknownOptions(values: object, given: "flag" | "option"): string[] {
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
export function unknownVariables(env: NodeJS.ProcessEnv): string[] {
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
export function misspeltVariables(env: NodeJS.ProcessEnv, isGiven: (name: SettingName) => boolean): Doubt[] {
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
