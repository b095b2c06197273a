import { createHash, randomUUID } from "node:crypto";
import { TradetapeError } from "../errors.ts";
import type { SessionEvent } from "../event/events.ts";
import { idBy } from "../event/identity.ts";
import { checkEvent } from "../event/validate.ts";

export interface NewSession {
  readonly kind: SessionEvent["kind"];
  readonly name: string;
  /** Null where nobody can name it. */
  readonly codeVersion: string | null;
  /** The run's settings, as JSON text. */
  readonly config: string;
  readonly dataSet: string | null;
  /** The caller's own name for the run; null is a run of its own. */
  readonly key: string | null;
  /** Microseconds since 1970. */
  readonly startedUs: number;
}

/**
 * The session's id. Without a key it is random: two runs of the same code with the same settings are two runs, and an id
 * made of what they have in common would land the second one in the rows of the first. A caller that may have to say the
 * same thing twice, because an answer was lost or it starts again, has a key: the same key is the same session.
 */
export const sessionId = (key: string | null): string => (key === null ? randomUUID() : idBy("session", [key]));

/** A session that begins now. @throws TradetapeError input_invalid: config is no JSON object, or a text is none */
export function draftSession(session: NewSession): Required<SessionEvent> {
  const event: Required<SessionEvent> = {
    backtest_session_id: sessionId(session.key),
    kind: session.kind,
    name: session.name,
    status: "running",
    code_version: session.codeVersion,
    config: session.config,
    config_sha256: configDigest(session.config),
    data_set: session.dataSet,
    started_at: session.startedUs,
    ended_at: null,
    result: null,
    revised_at: null,
  };
  const wrong = checkEvent("sessions", event);
  if (wrong === null) return event;
  throw new TradetapeError("input_invalid", `the session: ${wrong}`, { next: "Nothing was published; mend the call." });
}

/** SHA-256 of the settings, whatever the order of their keys and the white space between. */
export function configDigest(config: string): string {
  return createHash("sha256")
    .update(canonical(parsedConfig(config)))
    .digest("hex");
}

/** @throws TradetapeError input_invalid */
export function parsedConfig(config: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(config);
  } catch (cause) {
    throw notAnObject((cause as Error).message, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw notAnObject("it is something else");
  return value as Record<string, unknown>;
}

const notAnObject = (why: string, cause?: unknown) =>
  new TradetapeError("input_invalid", `the session's config is no JSON object: ${why}`, {
    cause,
    next: `Give the settings by name, as in '{"fast": 50}', or @FILE for a file that holds them.`,
  });

/** JSON with sorted keys and nothing between; JSON.stringify writes a number in one way only. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(",")}}`;
}
