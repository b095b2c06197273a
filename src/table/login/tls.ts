import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ConnectionOptions, getCACertificates } from "node:tls";
import { TradetapeError } from "../../errors.ts";
import { readCertificates, readKey, requirePair } from "../../own-file/pem.ts";
import type { Transport } from "../../settings/transport.ts";

/**
 * What TLS is asked for by libpq's rules: with an authority's file a certificate is verified in every mode, without one only
 * where the mode says so, which then fails. Files are read for each login: a session that begins after they are renewed has
 * the new ones.
 * @throws TradetapeError config_invalid that names the file
 */
export function tlsOptions(transport: Transport): ConnectionOptions {
  const { mode, minVersion } = transport;
  const ca = authorities(transport);
  if (ca === undefined && mode.startsWith("verify-")) throw noAuthority(mode);
  return {
    minVersion,
    rejectUnauthorized: ca !== undefined,
    ...(ca === undefined ? {} : { ca }),
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
    ...clientCertificate(transport),
  };
}

/** Where libpq looks for what the URL and the environment don't name. */
function standardFile(name: string): string | undefined {
  const path = join(process.env.HOME ?? "/", ".postgresql", name);
  return existsSync(path) ? path : undefined;
}

function authorities({ files }: Transport): string | string[] | undefined {
  if (files.rootCert === "system") return [...getCACertificates("default"), ...getCACertificates("system")];
  const path = files.rootCert ?? standardFile("root.crt");
  return path === undefined ? undefined : readCertificates("sslrootcert", path);
}

function clientCertificate({ files, keyPassword }: Transport): ConnectionOptions {
  const path = files.cert ?? standardFile("postgresql.crt");
  const keyPath = files.key ?? standardFile("postgresql.key");
  if (path === undefined && files.key === undefined) return {};
  if (path === undefined || keyPath === undefined) throw halfOfPair(path === undefined ? "sslcert" : "sslkey");
  const cert = readCertificates("sslcert", path);
  const key = readKey("sslkey", keyPath, keyPassword);
  requirePair("sslkey", cert, key, keyPassword);
  return { cert, key, ...(keyPassword === undefined ? {} : { passphrase: keyPassword }) };
}

const noAuthority = (mode: string): TradetapeError =>
  new TradetapeError("config_invalid", `sslmode=${mode} needs sslrootcert, the file of the authority to trust`, {
    next:
      "Give sslrootcert=FILE in the URL (or PGSSLROOTCERT). For a server that an authority of this machine has certified: " +
      "sslmode=verify-full&sslrootcert=system.",
  });

const halfOfPair = (lacking: string): TradetapeError =>
  new TradetapeError("config_invalid", `a client certificate needs ${lacking}, too`, {
    next: "Give sslcert and sslkey in the URL, or PGSSLCERT and PGSSLKEY.",
  });
