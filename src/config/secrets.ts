import { readFileSync } from "node:fs";
import { TradetapeError } from "../errors.ts";
import { SETTINGS, type SettingName } from "../settings.ts";

/** The files that secrets were read from. */
export type SecretFiles = { readonly [K in SettingName]?: string };

/** What a secret's file holds. @throws Error of the file system's */
export const readSecretFile = (file: string): string => readFileSync(file, "utf8").trim();

/** Settings that are secrets and nothing else. */
type SecretName =
  | "kafkaSaslPassword"
  | "kafkaOauthClientSecret"
  | "kafkaOauthToken"
  | "kafkaSslKeyPassphrase"
  | "schemaRegistryUrl"
  | "schemaRegistryToken"
  | "schemaRegistryOauthClientSecret"
  | "schemaRegistryKeyPassphrase";

/**
 * A secret as it is now, for a login that begins: what came from a file is read there again, so that it may be changed under
 * a process that runs. That the file can't be read passes: it could when the process began, and somebody is changing it.
 * @throws TradetapeError file_unusable, canRetry
 */
export function currentSecret<N extends SecretName>(
  config: { readonly [K in N]?: string | undefined } & { readonly secretFiles: SecretFiles },
  name: N,
): string | undefined {
  const file = config.secretFiles[name];
  return file === undefined ? config[name] : readAgain(`${SETTINGS[name].env}_FILE`, file);
}

/**
 * What a secret's file holds by now.
 * @param called what the message calls the file by
 * @throws TradetapeError file_unusable, canRetry, also for a file that is empty: whoever writes it hasn't come to its end
 */
export function readAgain(called: string, file: string): string {
  let text: string;
  try {
    text = readSecretFile(file);
  } catch (cause) {
    throw unreadable(`${called}: ${(cause as Error).message}`, cause);
  }
  if (text === "") throw unreadable(`${called}: ${file} is empty`);
  return text;
}

const unreadable = (message: string, cause?: unknown): TradetapeError =>
  new TradetapeError("file_unusable", message, {
    canRetry: true,
    next: "Put the secret back into the file: it is read at each login, also of a process that runs.",
    cause,
  });
