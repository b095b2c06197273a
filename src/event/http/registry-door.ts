import type { Agent } from "node:http";
import { currentSecret, type SecretFiles } from "../../config/secrets.ts";
import { TradetapeError } from "../../errors.ts";
import { agentFor } from "../../http/ask.ts";
import { ClientCredentials } from "../../http/client-credentials.ts";
import { fixedToken, type TokenSource } from "../../http/tokens.ts";
import type { REGISTRY_SETTINGS } from "../../settings/registry.ts";
import { SETTINGS } from "../../settings.ts";
import { type RegistryAddress, registryAddress } from "./registry-http.ts";

/** The settings of the way to a registry, of which all but the URL may be left out. */
export type RegistryWay = { readonly schemaRegistryUrl: string; readonly secretFiles?: SecretFiles } & {
  readonly [K in Exclude<keyof typeof REGISTRY_SETTINGS, "schemaRegistryUrl">]?: string | undefined;
};

/** How a registry is entered: where it is, by which connections, and as whom. */
export class RegistryDoor {
  readonly address: RegistryAddress;
  readonly agent: Agent;
  readonly #way: RegistryWay & { readonly secretFiles: SecretFiles };
  readonly #tokens: TokenSource | undefined;

  /** @throws TradetapeError where a TLS file can't be used */
  constructor({ secretFiles = {}, ...way }: RegistryWay) {
    this.#way = { ...way, secretFiles };
    this.address = registryAddress(way.schemaRegistryUrl);
    const { schemaRegistryCaFile, schemaRegistryCertFile, schemaRegistryKeyFile } = SETTINGS;
    this.agent = agentFor(way.schemaRegistryUrl, {
      ca: { name: schemaRegistryCaFile.env, path: way.schemaRegistryCaFile },
      cert: { name: schemaRegistryCertFile.env, path: way.schemaRegistryCertFile },
      key: { name: schemaRegistryKeyFile.env, path: way.schemaRegistryKeyFile },
      passphrase: () => currentSecret(this.#way, "schemaRegistryKeyPassphrase"),
    });
    this.#tokens = this.#tokenSource();
  }

  #tokenSource(): TokenSource | undefined {
    const way = this.#way;
    const place = "the schema registry";
    if (way.schemaRegistryToken) {
      return fixedToken(place, SETTINGS.schemaRegistryToken.env, () => currentSecret(way, "schemaRegistryToken"));
    }
    if (way.schemaRegistryOauthTokenUrl === undefined) return undefined;
    return new ClientCredentials({
      place,
      prefix: "SCHEMA_REGISTRY_OAUTH",
      tokenUrl: way.schemaRegistryOauthTokenUrl,
      clientId: way.schemaRegistryOauthClientId!,
      scope: way.schemaRegistryOauthScope,
      parameters: way.schemaRegistryOauthParameters,
      caFile: way.schemaRegistryOauthCaFile,
      secret: () => currentSecret(way, "schemaRegistryOauthClientSecret")!,
    });
  }

  /**
   * The header of a question that is asked now; none without a login.
   * @throws TradetapeError token_missing, file_unusable, config_invalid
   */
  async login(): Promise<{ readonly authorization?: string }> {
    if (this.#tokens !== undefined) return { authorization: `Bearer ${await this.#tokens.token()}` };
    const { username, password } = this.#addressNow();
    if (username === "") return {};
    return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
  }

  /** The registry refused a question, by its login's token perhaps: the next one has another. */
  refused({ authorization = "" }: { readonly authorization?: string }): void {
    this.#tokens?.refused(authorization.replace(/^Bearer /, ""));
  }

  /** The URL's file may have another login by now; where the registry is stays as it was. */
  #addressNow(): RegistryAddress {
    const name = `${SETTINGS.schemaRegistryUrl.env}_FILE`;
    const url = currentSecret(this.#way, "schemaRegistryUrl")!;
    const isUrl = SETTINGS.schemaRegistryUrl.schema.safeParse(url).success;
    const now = isUrl ? registryAddress(url) : undefined;
    if (now?.host === this.address.host) return now;
    const what =
      now === undefined ? "holds no URL of a registry" : "names another registry than when the process began";
    throw new TradetapeError("config_invalid", `${name}: the file ${what}`, {
      canRetry: true,
      next: "Put the registry's URL back there, or start the process again for another registry.",
    });
  }
}
