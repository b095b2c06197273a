import { z } from "zod";
import { setting } from "./setting.ts";
import { isWholeUrl } from "./urls.ts";

/** What a bearer token may consist of (RFC 6750). */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Whether a text can be sent as a bearer token. */
export const isToken = (text: string): boolean => TOKEN.test(text);

export const optionalText = () => z.string().optional();

/** A token that is given as such. */
export const tokenSetting = (env: string, doc: string) =>
  setting({
    env,
    doc,
    schema: z
      .string()
      .refine(isToken, "is no token: it may hold letters, digits and -._~+/ with = at its end")
      .optional(),
    secret: true,
  });

const isForm = (text: string): boolean => text.split("&").every((part) => /^[^=]+=/.test(part));

/**
 * How tokens are got from an OIDC provider, by the grant for a client's own credentials.
 * @param prefix of the variables
 * @param place that they are for
 */
export const clientCredentialSettings = (prefix: string, place: string) => ({
  tokenUrl: setting({
    env: `${prefix}_TOKEN_URL`,
    doc: `The token endpoint of an OIDC provider: it gives the client the tokens to log in to ${place} by.`,
    schema: z
      .url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" })
      .refine(
        (url) => isWholeUrl(url) && new URL(url).username === "" && !url.includes("#"),
        "must have neither a user nor a # in it: the client has settings of its own",
      )
      .optional(),
  }),
  clientId: setting({ env: `${prefix}_CLIENT_ID`, doc: "The client's name there.", schema: optionalText() }),
  clientSecret: setting({
    env: `${prefix}_CLIENT_SECRET`,
    doc: "The client's secret there.",
    schema: optionalText(),
    secret: true,
  }),
  scope: setting({ env: `${prefix}_SCOPE`, doc: "Scopes to ask for, separated by spaces.", schema: optionalText() }),
  parameters: setting({
    env: `${prefix}_PARAMETERS`,
    doc: "What else the provider wants to be told, as audience=tape&resource=a%26b.",
    schema: z
      .string()
      .refine(isForm, "must be name=value, several joined by &; write % and & within as %25 and %26")
      .optional(),
  }),
  caFile: setting({
    env: `${prefix}_CA_FILE`,
    doc: "PEM file of the authority that signed the endpoint's certificate; unset, those are trusted that this machine trusts.",
    schema: optionalText(),
  }),
});
