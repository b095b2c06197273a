import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate's file, and its key's. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** An authority of a test's own, in a folder that ends with it. */
export interface Authority {
  readonly folder: string;
  readonly cert: string;
  /** A certificate by this authority. @param names as `DNS:localhost,IP:127.0.0.1` */
  issue(name: string, names: string, days?: number): Pair;
  /** An encrypted copy of a key, in a file of its own. */
  encrypt(key: string, passphrase?: string): string;
  remove(): void;
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

const openssl = (folder: string, args: readonly string[]) =>
  execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });

export function newAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), "tradetape-ca-"));
  openssl(folder, ["req", "-x509", ...EC, "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=authority"]);
  return {
    folder,
    cert: join(folder, "ca.crt"),
    issue(name, names, days = 2) {
      const [cert, key, extensions] = ["crt", "key", "ext"].map((end) => `${name}.${end}`) as [string, string, string];
      writeFileSync(join(folder, extensions), `subjectAltName=${names}`);
      openssl(folder, ["req", ...EC, "-nodes", "-keyout", key, "-out", "request", "-subj", `/CN=${name}`]);
      const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", String(days)];
      openssl(folder, ["x509", "-req", "-in", "request", ...by, "-extfile", extensions, "-out", cert]);
      return { cert: join(folder, cert), key: join(folder, key) };
    },
    encrypt(key, passphrase = "of-tests") {
      openssl(folder, [
        "pkcs8",
        "-topk8",
        "-in",
        key,
        "-out",
        `${key}.enc`,
        "-passout",
        `pass:${passphrase}`,
        "-v2",
        "aes256",
      ]);
      return `${key}.enc`;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
