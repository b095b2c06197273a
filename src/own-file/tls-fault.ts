/** What of TLS doesn't fit. Each is a matter of settings and files: the same try again fails again. */
export type TlsFault = "authority" | "date" | "name" | "client" | "protocol";

/** Ours, as the server sees it: it says so by an alert. */
const OF_CLIENT =
  "CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(EXPIRED|REVOKED|UNKNOWN)|UNKNOWN_CA|" +
  "NO_CERTIFICATE|ACCESS_DENIED|DECRYPT_ERROR|PEER_DID_NOT_RETURN_A_CERTIFICATE";
/** No TLS at all, or none of the versions and ciphers that the other side has. */
const OF_PROTOCOL =
  "WRONG_VERSION_NUMBER|PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE|NO_SHARED_CIPHER|NO_CIPHERS_AVAILABLE|" +
  "INSUFFICIENT_SECURITY|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNRECOGNIZED_NAME|NO_APPLICATION_PROTOCOL|" +
  "NO_SUITABLE_SIGNATURE_ALGORITHM|DH_KEY_TOO_SMALL|EE_KEY_TOO_SMALL|CA_MD_TOO_WEAK";

/** By the code that Node gives an error; a connection that ended or was late is none of them. */
const BY_CODE: readonly (readonly [TlsFault, RegExp])[] = [
  ["date", /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/],
  ["name", /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/],
  ["authority", /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)/],
  ["client", new RegExp(`^ERR_SSL_.*(${OF_CLIENT})$`)],
  ["protocol", new RegExp(`^ERR_SSL_.*(${OF_PROTOCOL})$|^ERR_TLS_(INVALID|PROTOCOL|DH|REQUIRED|RENEGOTIATION)`)],
];

/** What of TLS an error tells of; undefined for every other error. */
export function tlsFaultOf(error: unknown): TlsFault | undefined {
  if (!(error instanceof Error && "code" in error)) return undefined;
  const code = error.code === WHILE_WRITING ? codeWithin(error.message) : String(error.code);
  return BY_CODE.find(([, codes]) => codes.test(code))?.[0];
}

/** Where OpenSSL fails while there is something to write, Node gives this code, whatever it was that failed. */
const WHILE_WRITING = "EPROTO";

/** The code that Node makes of OpenSSL's words elsewhere: of "SSL routines:FUNCTION:wrong version number:FILE". */
function codeWithin(message: string): string {
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? "";
  return `ERR_SSL_${reason.toUpperCase().replaceAll(/\W/g, "_")}`;
}

/** What of a service's settings a message names. */
interface TlsSettings {
  /** Where the server's address stands. */
  readonly address: string;
  /** Where the authority stands that is trusted. */
  readonly authority: string;
  /** Where a certificate of our own stands. */
  readonly own: string;
  /** What says whether TLS is spoken. */
  readonly use: string;
}

/** The next step, as a sentence. */
export function tlsNext(fault: TlsFault, { address, authority, own, use }: TlsSettings): string {
  switch (fault) {
    case "authority":
      return `Give the certificate of the authority of the server by ${authority}. If it is given, ask who answers there.`;
    case "date":
      return "Renew the server's certificate; if it is in date, set this machine's clock right.";
    case "name":
      return `Name the server in ${address} by a name that its certificate has, or have the certificate made with this one.`;
    case "client":
      return `Give a certificate that the server trusts and that is in date by ${own}.`;
    case "protocol":
      return `Compare ${use} with what the server has at that port: TLS at all, and which versions of it.`;
  }
}
