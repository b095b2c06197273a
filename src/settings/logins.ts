import { SETTINGS, type SettingName } from "../settings.ts";

/** Settings that do nothing without another one: who sets one alone would believe in a login or a certificate that isn't used. */
const NEEDS: readonly (readonly [SettingName, SettingName])[] = [
  ["kafkaSaslUsername", "kafkaSaslMechanism"],
  ["kafkaSaslPassword", "kafkaSaslMechanism"],
  ["kafkaOauthTokenUrl", "kafkaOauthClientId"],
  ["kafkaOauthTokenUrl", "kafkaOauthClientSecret"],
  ["kafkaOauthClientId", "kafkaOauthTokenUrl"],
  ["kafkaOauthClientSecret", "kafkaOauthTokenUrl"],
  ["kafkaOauthScope", "kafkaOauthTokenUrl"],
  ["kafkaOauthParameters", "kafkaOauthTokenUrl"],
  ["kafkaOauthCaFile", "kafkaOauthTokenUrl"],
  ["kafkaSslCaFile", "kafkaSsl"],
  ["kafkaSslCertFile", "kafkaSsl"],
  ["kafkaSslCertFile", "kafkaSslKeyFile"],
  ["kafkaSslKeyFile", "kafkaSslCertFile"],
  ["kafkaSslKeyPassphrase", "kafkaSslKeyFile"],
  ["schemaRegistryOauthTokenUrl", "schemaRegistryOauthClientId"],
  ["schemaRegistryOauthTokenUrl", "schemaRegistryOauthClientSecret"],
  ["schemaRegistryOauthClientId", "schemaRegistryOauthTokenUrl"],
  ["schemaRegistryOauthClientSecret", "schemaRegistryOauthTokenUrl"],
  ["schemaRegistryOauthScope", "schemaRegistryOauthTokenUrl"],
  ["schemaRegistryOauthParameters", "schemaRegistryOauthTokenUrl"],
  ["schemaRegistryOauthCaFile", "schemaRegistryOauthTokenUrl"],
  ["schemaRegistryCertFile", "schemaRegistryKeyFile"],
  ["schemaRegistryKeyFile", "schemaRegistryCertFile"],
  ["schemaRegistryKeyPassphrase", "schemaRegistryKeyFile"],
];

const PASSWORD_LOGIN = ["kafkaSaslUsername", "kafkaSaslPassword"] as const;
/** Where a token for Kafka comes from. */
const TOKEN_SOURCES = ["kafkaOauthTokenUrl", "kafkaOauthToken", "kafkaOauthModule"] as const;
const REGISTRY_LOGINS = ["schemaRegistryToken", "schemaRegistryOauthTokenUrl"] as const;
/** TLS files, each with the URL that has to be an https one. */
const OF_HTTPS = [
  ["schemaRegistryCaFile", "schemaRegistryUrl"],
  ["schemaRegistryCertFile", "schemaRegistryUrl"],
  ["schemaRegistryOauthCaFile", "schemaRegistryOauthTokenUrl"],
  ["kafkaOauthCaFile", "kafkaOauthTokenUrl"],
] as const;

/** What the settings say of logins, as far as they were read. */
type Logins = { readonly [K in SettingName]?: unknown } & { readonly kafkaToken?: unknown };

const env = (name: SettingName): string => SETTINGS[name].env;

/** What is wrong with the settings of logins taken together: what would do nothing, what lacks, and of which there are two. */
export function loginProblems(config: Logins): string[] {
  const given = <N extends SettingName>(names: readonly N[]) => names.filter((name) => config[name]);
  const alone = NEEDS.filter(([name, needed]) => config[name] && !config[needed]);
  const inClear = OF_HTTPS.filter(([file, url]) => config[file] && String(config[url] ?? "").startsWith("http://"));
  return [
    ...alone.map(([name, needed]) => `${env(name)} is set: ${env(needed)} must be, too`),
    ...inClear.map(([file, url]) => `${env(file)} is set: ${env(url)} must begin with https://`),
    ...saslProblems(config, given),
    ...registryProblems(config, given),
  ];
}

type Given = <N extends SettingName>(names: readonly N[]) => N[];

const twice = (names: readonly string[]): string[] =>
  names.length > 1 ? [`${names.join(" and ")} are both set: keep one`] : [];

function saslProblems({ kafkaSaslMechanism: mechanism, kafkaToken }: Logins, given: Given): string[] {
  const sources = [...given(TOKEN_SOURCES).map(env), ...(kafkaToken ? ["connect's second argument"] : [])];
  if (mechanism === "oauthbearer") {
    const unused = given(PASSWORD_LOGIN).map((name) => `${env(name)} is set: oauthbearer logs in by tokens alone`);
    const names = TOKEN_SOURCES.map(env).join(", ");
    const lacking = sources.length === 0 ? [`KAFKA_SASL_MECHANISM is oauthbearer: set one of ${names}`] : [];
    return [...unused, ...lacking, ...twice(sources)];
  }
  const unused = [...sources, ...given(["kafkaOauthExtensions"]).map(env)];
  const lacking = mechanism ? PASSWORD_LOGIN.filter((name) => !given(PASSWORD_LOGIN).includes(name)) : [];
  return [
    ...unused.map((name) => `${name} is set: KAFKA_SASL_MECHANISM must be oauthbearer`),
    ...lacking.map((name) => `KAFKA_SASL_MECHANISM is set: ${env(name)} must be, too`),
  ];
}

function registryProblems({ schemaRegistryUrl: url }: Logins, given: Given): string[] {
  const hasUser = typeof url === "string" && new URL(url).username !== "";
  return twice([...(hasUser ? ["a user in SCHEMA_REGISTRY_URL"] : []), ...given(REGISTRY_LOGINS).map(env)]);
}
