import { z } from "zod";
import { clientCredentialSettings, optionalText, tokenSetting } from "./oauth.ts";
import { flagBoolean, setting } from "./setting.ts";

const oauth = clientCredentialSettings("KAFKA_OAUTH", "Kafka");

/** As librdkafka has them; `auth` is the token's own name (RFC 7628). */
const EXTENSIONS = /^(?!auth=)[A-Za-z]+=[\x20-\x7e]+$/;

/** The settings of the way to Kafka. */
export const KAFKA_SETTINGS = {
  kafkaBrokers: setting({
    env: "KAFKA_BROKERS",
    flag: "--kafka-brokers <list>",
    doc: "Kafka brokers, host:port, separated by commas.",
    schema: z
      .string()
      .transform((v) => v.split(",").map((b) => b.trim()))
      .pipe(z.array(z.string().regex(/^[^\s:]+:\d+$/, "must be host:port, separated by commas")).min(1))
      .optional(),
  }),
  kafkaSaslMechanism: setting({
    env: "KAFKA_SASL_MECHANISM",
    doc: "plain, scram-sha-256, scram-sha-512 or oauthbearer; unset is no SASL.",
    schema: z.enum(["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"]).optional(),
  }),
  kafkaSaslUsername: setting({ env: "KAFKA_SASL_USERNAME", doc: "SASL user.", schema: optionalText() }),
  kafkaSaslPassword: setting({
    env: "KAFKA_SASL_PASSWORD",
    doc: "SASL password.",
    schema: optionalText(),
    secret: true,
  }),
  kafkaOauthTokenUrl: oauth.tokenUrl,
  kafkaOauthClientId: oauth.clientId,
  kafkaOauthClientSecret: oauth.clientSecret,
  kafkaOauthScope: oauth.scope,
  kafkaOauthParameters: oauth.parameters,
  kafkaOauthCaFile: oauth.caFile,
  kafkaOauthToken: tokenSetting("KAFKA_OAUTH_TOKEN", "A token as such, in the place of an endpoint that gives them."),
  kafkaOauthModule: setting({
    env: "KAFKA_OAUTH_MODULE",
    doc:
      "File of a JavaScript module, in the place of an endpoint: its default export is a function, async or not, that returns " +
      "a token for a login that begins now.",
    schema: optionalText(),
  }),
  kafkaOauthExtensions: setting({
    env: "KAFKA_OAUTH_EXTENSIONS",
    doc: "SASL extensions that go along with a token, as logicalCluster=lkc-1,identityPoolId=pool-1.",
    schema: z
      .string()
      .transform((v) => v.split(",").map((one) => one.trim()))
      .pipe(z.array(z.string().regex(EXTENSIONS, "must be name=value with a name of letters, separated by commas")))
      .optional(),
  }),
  kafkaSsl: setting({ env: "KAFKA_SSL_ENABLED", doc: "Whether to use TLS to the brokers.", schema: flagBoolean }),
  kafkaSslCaFile: setting({
    env: "KAFKA_SSL_CA_FILE",
    doc: "PEM file of the authority that signed the brokers' certificates.",
    schema: optionalText(),
  }),
  kafkaSslCertFile: setting({
    env: "KAFKA_SSL_CERT_FILE",
    doc: "PEM file of the client's certificate.",
    schema: optionalText(),
  }),
  kafkaSslKeyFile: setting({
    env: "KAFKA_SSL_KEY_FILE",
    doc: "PEM file of the client's key, which only the user of the program may read.",
    schema: optionalText(),
  }),
  kafkaSslKeyPassphrase: setting({
    env: "KAFKA_SSL_KEY_PASSPHRASE",
    doc: "The passphrase of that key, where it is encrypted.",
    schema: optionalText(),
    secret: true,
  }),
} as const;
