import kafkajs, { type Mechanism, type SASLOptions } from "tradetape-kafkajs";
import { currentSecret } from "../../../config/secrets.ts";
import type { Config } from "../../../config.ts";
import { ClientCredentials } from "../../../http/client-credentials.ts";
import { fixedToken, givenToken, type TokenSource, tokenOfModule } from "../../../http/tokens.ts";
import { SETTINGS } from "../../../settings.ts";

/** How a connection logs in. A secret of a file is read for each login. */
export function saslOptions(config: Config): SASLOptions | Mechanism {
  const { kafkaSaslMechanism } = config;
  // `loginProblems`: a mechanism never comes without what it needs.
  if (kafkaSaslMechanism === "oauthbearer") return oauthBearer(tokensOf(config), config.kafkaOauthExtensions ?? []);
  const login = {
    mechanism: kafkaSaslMechanism!,
    username: config.kafkaSaslUsername!,
    get password() {
      return currentSecret(config, "kafkaSaslPassword")!;
    },
  };
  return login as SASLOptions;
}

const PLACE = "Kafka";

/** `loginProblems`: there is one of these, and none beside it. */
function tokensOf(config: Config): TokenSource {
  const { kafkaToken, kafkaOauthModule, kafkaOauthTokenUrl } = config;
  if (kafkaToken) return givenToken(PLACE, "the function that `connect` was given", kafkaToken);
  if (kafkaOauthModule) return tokenOfModule(PLACE, SETTINGS.kafkaOauthModule.env, kafkaOauthModule);
  if (kafkaOauthTokenUrl === undefined) {
    return fixedToken(PLACE, SETTINGS.kafkaOauthToken.env, () => currentSecret(config, "kafkaOauthToken"));
  }
  return new ClientCredentials({
    place: PLACE,
    prefix: "KAFKA_OAUTH",
    tokenUrl: kafkaOauthTokenUrl,
    clientId: config.kafkaOauthClientId!,
    scope: config.kafkaOauthScope,
    parameters: config.kafkaOauthParameters,
    caFile: config.kafkaOauthCaFile,
    secret: () => currentSecret(config, "kafkaOauthClientSecret")!,
  });
}

const SEPARATOR = "\u0001";
const REFUSED = "SASL_AUTHENTICATION_FAILED";

/**
 * SASL OAUTHBEARER (RFC 7628). kafkajs's own takes a refusal for a login: the broker answers with the reason first, and fails
 * the login when that has been acknowledged. Behind it the next request would find the connection closed, like in an outage.
 * @param extensions as `name=value`
 */
function oauthBearer(tokens: TokenSource, extensions: readonly string[]): Mechanism {
  return {
    mechanism: "oauthbearer",
    authenticationProvider: ({ saslAuthenticate }) => ({
      async authenticate() {
        const token = await tokens.token();
        const parts = ["n,,", `auth=Bearer ${token}`, ...extensions, "", ""];
        try {
          const reason = await saslAuthenticate({ request: bytesOf(parts.join(SEPARATOR)), response: TEXT });
          if (reason) await saslAuthenticate({ request: bytesOf(SEPARATOR), response: TEXT });
        } catch (cause) {
          if ((cause as { readonly type?: string }).type !== REFUSED) throw cause;
          tokens.refused(token);
          const said = `SASL OAUTHBEARER authentication failed: ${(cause as Error).message}`;
          // kafkajs's own error of a login, whose constructor its types leave out.
          throw Object.assign(new kafkajs.KafkaJSNonRetriableError(said), { name: "KafkaJSSASLAuthenticationError" });
        }
      },
    }),
  };
}

/** Behind its length, as kafkajs has what it sends and what it gets. */
function bytesOf(text: string): { encode(): Promise<Buffer> } {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return { encode: async () => Buffer.concat([length, bytes]) };
}

const TEXT = {
  decode: async (bytes: Buffer) => bytes.subarray(4),
  parse: async (bytes: Buffer) => bytes.toString(),
};
