import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ConnectionOptions, getCACertificates } from "node:tls";
import { TradetapeError } from "../../errors.ts";
import { readCertificates } from "../../own-file/pem.ts";
import { readPair, readRenewable } from "../../own-file/tls-files.ts";
import type { Transport } from "../../settings/transport.ts";

/**
 * What TLS is asked for by libpq's rules: with an authority's file a certificate is verified in every mode, without one only
 * where the mode says so, which then fails. Files are read for each login: a session that begins after they are renewed has
 * the new ones.
 * @throws TradetapeError config_invalid that names the file
 */
export function tlsOptions({ mode, minVersion, files, keyPassword }: Transport): ConnectionOptions {
  const rootCert = files.rootCert ?? standardFile("root.crt");
  const cert = files.cert ?? standardFile("postgresql.crt");
  const key = files.key ?? standardFile("postgresql.key");
  if (rootCert === undefined && mode.startsWith("verify-")) throw noAuthority(mode);
  return {
    minVersion,
    rejectUnauthorized: rootCert !== undefined,
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
    ...readRenewable([rootCert, cert, key], () => ({
      ...(rootCert === undefined ? {} : { ca: authorities(rootCert) }),
      ...(cert === undefined && files.key === undefined ? {} : clientCertificate(cert, key, keyPassword)),
    })),
  };
}

/** Where libpq looks for what the URL and the environment don't name. */
function standardFile(name: string): string | undefined {
  const path = join(process.env.HOME ?? "/", ".postgresql", name);
  return existsSync(path) ? path : undefined;
}

const authorities = (rootCert: string): string | string[] =>
  rootCert === "system"
    ? [...getCACertificates("default"), ...getCACertificates("system")]
    : readCertificates("sslrootcert", rootCert);

function clientCertificate(cert: string | undefined, key: string | undefined, keyPassword: string | undefined) {
  if (cert === undefined || key === undefined) throw halfOfPair(cert === undefined ? "sslcert" : "sslkey");
  return readPair("sslcert", cert, "sslkey", key, keyPassword);
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
