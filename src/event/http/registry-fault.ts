import { type ErrorCode, TradetapeError } from "../../errors.ts";
import { tlsFaultOf, tlsNext } from "../../own-file/tls-fault.ts";

export const isRedirect = (status: number): boolean => status >= 300 && status < 400;

/** A request that failed: with the status that was answered, or without one when nobody answered. */
export interface HttpFailure extends Error {
  readonly status?: number;
}

/** The package's message without its own preamble (a connection that fails is a status 400 there), or our own question's. */
export const said = ({ message, cause }: HttpFailure): string =>
  cause instanceof Error ? cause.message : message.replace(/^tradetape - (Error, status 400: )?/, "");

/** What a message shows of a registry's address. */
interface Shown {
  readonly shown: string;
  hide(text: string): string;
}

/** @param hasAnswered whether it did before: then what it says now may pass, whatever it is */
export function registryUnreachable(address: Shown, failure: HttpFailure, hasAnswered = false): TradetapeError {
  // Of a login that there is nothing for, or of a file.
  if (failure instanceof TradetapeError) return failure;
  const { code, next, passes = false } = whatFailed(failure);
  const message = address.hide(`${address.shown}: ${said(failure)}`);
  return new TradetapeError(code, message, { canRetry: passes || hasAnswered, next, cause: hidden(address, failure) });
}

interface WhatFailed {
  readonly code: ErrorCode;
  readonly next: string;
  readonly passes?: boolean;
}

function whatFailed({ status = 0, cause }: HttpFailure): WhatFailed {
  const tls = tlsFaultOf(cause);
  if (tls !== undefined) return { code: "tls_refused", next: tlsNext(tls, TLS_SETTINGS) };
  if (status === 401)
    return {
      code: "login_refused",
      next: "Check the user and password in SCHEMA_REGISTRY_URL, or SCHEMA_REGISTRY_TOKEN.",
    };
  if (status === 403) {
    const next =
      "Let the registry's administrator give this user the subject that the message names, to read and to register.";
    return { code: "acl_missing", next };
  }
  const code = "registry_unreachable";
  if (isRedirect(status)) return { code, next: "Set SCHEMA_REGISTRY_URL to where the registry itself answers." };
  if (status === 404) {
    const next = "Set SCHEMA_REGISTRY_URL to the path of the registry's API, too, as Apicurio's /apis/ccompat/v7.";
    return { code, next };
  }
  return { code, next: "Check that the registry runs and that SCHEMA_REGISTRY_URL names it.", passes: true };
}

const TLS_SETTINGS = {
  address: "SCHEMA_REGISTRY_URL",
  authority: "SCHEMA_REGISTRY_CA_FILE",
  own: "SCHEMA_REGISTRY_CERT_FILE and SCHEMA_REGISTRY_KEY_FILE",
  use: "http:// or https:// in SCHEMA_REGISTRY_URL",
};

/** What failed, without the stack and the fields in which the package keeps the whole address. */
export const hidden = (address: Shown, cause: HttpFailure): Error => new Error(address.hide(said(cause)));
