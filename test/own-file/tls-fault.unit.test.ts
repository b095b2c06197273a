import { expect, it } from "vitest";
import { tlsFaultOf } from "../../src/own-file/tls-fault.ts";

const written = (reason: string) =>
  `write EPROTO 40DD6C78887F0000:error:0A00010B:SSL routines:tls_validate_record_header:${reason}:../deps/openssl/a.c:77:\n`;

it.each<[code: string, message: string, fault: ReturnType<typeof tlsFaultOf>]>([
  ["ERR_SSL_WRONG_VERSION_NUMBER", "", "protocol"],
  ["EPROTO", written("wrong version number"), "protocol"],
  ["EPROTO", written("packet length too long"), "protocol"],
  ["EPROTO", written("sslv3 alert bad certificate"), "client"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "", "client"],
  ["EPROTO", written("tlsv13 alert certificate required"), "client"],
  ["EPROTO", "protocol error, read", undefined],
  ["ECONNRESET", written("wrong version number"), undefined],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "", "authority"],
  ["CERT_HAS_EXPIRED", "", "date"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "", "name"],
])("an error of the code %s that says %j is of TLS: %s", (code, message, fault) => {
  expect(tlsFaultOf(Object.assign(new Error(message), { code }))).toBe(fault);
});
