import { z } from "zod";
import { clientCredentialSettings, optionalText, tokenSetting } from "./oauth.ts";
import { setting } from "./setting.ts";
import { isWholeUrl } from "./urls.ts";

const oauth = clientCredentialSettings("SCHEMA_REGISTRY_OAUTH", "the registry");

/** The settings of the way to the schema registry. */
export const REGISTRY_SETTINGS = {
  schemaRegistryUrl: setting({
    env: "SCHEMA_REGISTRY_URL",
    flag: "--schema-registry-url <url>",
    doc: "A registry with the Confluent API; user and password may stand in the URL.",
    schema: z
      .url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" })
      .refine(isWholeUrl, "is no URL: write % in user and password as %25")
      .refine((url) => !/[?#]/.test(url), "must end with its path: what stands behind a ? or # would not be sent")
      .optional(),
    secret: true,
  }),
  schemaRegistryToken: tokenSetting(
    "SCHEMA_REGISTRY_TOKEN",
    "A bearer token for the registry, in the place of a user and a password.",
  ),
  schemaRegistryOauthTokenUrl: oauth.tokenUrl,
  schemaRegistryOauthClientId: oauth.clientId,
  schemaRegistryOauthClientSecret: oauth.clientSecret,
  schemaRegistryOauthScope: oauth.scope,
  schemaRegistryOauthParameters: oauth.parameters,
  schemaRegistryOauthCaFile: oauth.caFile,
  schemaRegistryCaFile: setting({
    env: "SCHEMA_REGISTRY_CA_FILE",
    doc: "PEM file of the authority that signed the registry's certificate; unset, those are trusted that this machine trusts.",
    schema: optionalText(),
  }),
  schemaRegistryCertFile: setting({
    env: "SCHEMA_REGISTRY_CERT_FILE",
    doc: "PEM file of the client's certificate.",
    schema: optionalText(),
  }),
  schemaRegistryKeyFile: setting({
    env: "SCHEMA_REGISTRY_KEY_FILE",
    doc: "PEM file of the client's key, which only the user of the program may read.",
    schema: optionalText(),
  }),
  schemaRegistryKeyPassphrase: setting({
    env: "SCHEMA_REGISTRY_KEY_PASSPHRASE",
    doc: "The passphrase of that key, where it is encrypted.",
    schema: optionalText(),
    secret: true,
  }),
} as const;
