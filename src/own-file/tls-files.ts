import type { ConnectionOptions } from "node:tls";
import { passing } from "../errors.ts";
import { readCertificates, readKey, requirePair } from "./pem.ts";

/** A file, and what a message calls it by. */
interface NamedFile {
  readonly name: string;
  readonly path: string | undefined;
}

/** The files that a client has for its connections by TLS, each where there is one. */
export interface TlsFiles {
  readonly ca: NamedFile;
  readonly cert: NamedFile;
  readonly key: NamedFile;
  /** The key's, as it is now. */
  readonly passphrase: () => string | undefined;
}

/**
 * What TLS is asked for with these files as they are now: a connection that is opened after one was renewed has the new one.
 * @throws TradetapeError that names the file
 */
export function readTlsFiles({ ca, cert, key, passphrase }: TlsFiles): ConnectionOptions {
  const paths = [ca.path, cert.path, key.path];
  return readRenewable(paths, () => ({
    ...(ca.path ? { ca: readCertificates(ca.name, ca.path) } : {}),
    ...(cert.path && key.path ? readPair(cert.name, cert.path, key.name, key.path, passphrase()) : {}),
  }));
}

/** A client's certificate with its key. @throws TradetapeError that names the file */
export function readPair(
  certName: string,
  certPath: string,
  keyName: string,
  keyPath: string,
  passphrase: string | undefined,
): Pick<ConnectionOptions, "cert" | "key" | "passphrase"> {
  const cert = readCertificates(certName, certPath);
  const key = readKey(keyName, keyPath, passphrase);
  requirePair(keyName, cert, key, passphrase);
  return { cert, key, ...(passphrase === undefined ? {} : { passphrase }) };
}

/** Files that have been of use together, by their paths. */
const used = new Set<string>();

/**
 * Reads files that may be renewed under a process that runs. Where they have been of use and aren't now, somebody is putting
 * new ones there, one after the other: that passes.
 * @throws what `read` throws, with canRetry where that is so
 */
export function readRenewable<T>(paths: readonly (string | undefined)[], read: () => T): T {
  const which = JSON.stringify(paths);
  try {
    const found = read();
    used.add(which);
    return found;
  } catch (fault) {
    throw used.has(which) ? passing(fault) : fault;
  }
}
