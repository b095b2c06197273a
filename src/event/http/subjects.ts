import { RegistryDoor, type RegistryWay } from "./registry-door.ts";
import { type HttpFailure, registryUnreachable } from "./registry-fault.ts";
import type { RegistryAddress } from "./registry-http.ts";
import { askRegistry, type RegistryQuestions } from "./registry-questions.ts";

/**
 * What a topic's subject should allow. Landing reads what others write by newer schemas than its own (so it needs FORWARD),
 * and what they wrote by older ones, when a log is replayed (BACKWARD), by any version (TRANSITIVE).
 */
export const COMPATIBLE = "FULL_TRANSITIVE";

/** The API's own code. */
export const SCHEMA_NOT_FOUND = 40403;

/** 40401 is the code of a subject that isn't there, 40408 that of one without a setting of its own. */
const isNotThere = (code: number | undefined): boolean => code !== undefined && Math.floor(code / 100) === 404;

/** The subject of the schemas of a topic's values. @param topicName the full name */
export const subjectOf = (topicName: string): string => `${topicName}-value`;
const configOf = (subject: string): string => `/config/${encodeURIComponent(subject)}`;

/** What changes a subject allows, as the registry calls it; null where it has no setting of its own. @throws HttpFailure */
async function levelOf(questions: RegistryQuestions, subject: string): Promise<string | null> {
  const said = await questions.get(configOf(subject));
  if (!("body" in said)) return isNotThere(said.failure) ? null : COMPATIBLE;
  return (said.body as { compatibilityLevel?: string } | null)?.compatibilityLevel?.toUpperCase() ?? COMPATIBLE;
}

/** The id of a subject's newest schema; undefined where it has none. @throws HttpFailure */
async function newestOf(questions: RegistryQuestions, subject: string): Promise<number | undefined> {
  const path = `/subjects/${encodeURIComponent(subject)}/versions/latest`;
  const said = await questions.get(path);
  const id = "body" in said ? (said.body as { id?: unknown } | null)?.id : undefined;
  if (typeof id === "number") return id;
  if ("failure" in said && isNotThere(said.failure)) return undefined;
  throw new Error(`no answer of use to ${path}`);
}

/**
 * The subjects that a schema is of, those among them that were deleted; undefined where the registry has no such question.
 * @throws HttpFailure
 */
export async function subjectsOf(questions: RegistryQuestions, id: number): Promise<readonly string[] | undefined> {
  const path = `/schemas/ids/${id}/versions?deleted=true`;
  const said = await questions.get(path);
  if ("failure" in said) {
    if (NO_QUESTION.has(said.status) && said.failure !== SCHEMA_NOT_FOUND) return undefined;
    throw Object.assign(new Error(`no answer of use to ${path}, status ${said.status}`), { status: said.status });
  }
  const found = Array.isArray(said.body) ? said.body.map((one: { subject?: unknown } | null) => one?.subject) : [null];
  if (found.every((subject) => typeof subject === "string")) return [...new Set(found)];
  throw Object.assign(new Error(`what answers ${path} is no schema registry`), { status: 502 });
}

/** What HTTP says of a path, or a method of it, that there isn't. */
const NO_QUESTION = new Set([404, 405, 501]);

/**
 * Sets a new subject's compatibility before its first version. The registry's package does it behind: a process that dies
 * between leaves a subject that allows everything, and one that looks between takes it for somebody's choice.
 * @returns what the subject has; where the registry has failed COMPATIBLE, as the package meets the failure, too
 * @throws HttpFailure
 */
export async function guardSubject(questions: RegistryQuestions, subject: string): Promise<string> {
  const level = await levelOf(questions, subject);
  if (level === null) await questions.put(configOf(subject), { compatibility: COMPATIBLE });
  return level ?? COMPATIBLE;
}

/** A version of a subject. */
export interface SchemaVersion {
  readonly version: number;
  readonly id: number;
}

/** @throws HttpFailure */
async function versionsOf(questions: RegistryQuestions, subject: string): Promise<readonly SchemaVersion[]> {
  const path = `/subjects/${encodeURIComponent(subject)}/versions`;
  const numbers = await questions.get(path);
  const found: SchemaVersion[] = [];
  for (const version of "body" in numbers ? (numbers.body as readonly number[]) : []) {
    const said = await questions.get(`${path}/${version}`);
    if ("body" in said) found.push({ version, id: (said.body as { id: number }).id });
  }
  return found;
}

/** @throws HttpFailure */
async function ageOf(questions: RegistryQuestions) {
  const said = await questions.get("/v1/metadata/version");
  const version = "body" in said ? (said.body as { version?: unknown } | null)?.version : undefined;
  const asked = await questions.get("/schemas/ids/1/versions?deleted=true");
  const tellsSubjects = "body" in asked || asked.failure === SCHEMA_NOT_FOUND || !NO_QUESTION.has(asked.status);
  return { version: typeof version === "string" ? version : undefined, tellsSubjects };
}

/** A registry's subjects, to look at and to set. */
export class Subjects {
  readonly #address: RegistryAddress;
  readonly #questions: RegistryQuestions;

  /** @param way to the registry */
  constructor(way: RegistryWay) {
    const door = new RegistryDoor(way);
    this.#address = door.address;
    this.#questions = askRegistry(door);
  }

  /**
   * What a registry says of its own age: its version, which Confluent's tells, and whether it can be asked of which subjects a
   * schema is. @throws TradetapeError registry_unreachable
   */
  async age(): Promise<{ readonly version: string | undefined; readonly tellsSubjects: boolean }> {
    return this.#told(ageOf(this.#questions));
  }

  /** What changes a topic's subject allows; null where it has no setting. @throws TradetapeError registry_unreachable */
  async compatibility(topicName: string): Promise<string | null> {
    return this.#told(levelOf(this.#questions, subjectOf(topicName)));
  }

  /** The id of a topic's newest schema; undefined where it has none. @throws TradetapeError registry_unreachable */
  async newest(topicName: string): Promise<number | undefined> {
    return this.#told(newestOf(this.#questions, subjectOf(topicName)));
  }

  /** The versions of a topic's schema, with the registry's ids of them; none where it has no subject. */
  async versions(topicName: string): Promise<readonly SchemaVersion[]> {
    return this.#told(versionsOf(this.#questions, subjectOf(topicName)));
  }

  /** Has a topic's subject refuse what landing can't read. @throws TradetapeError registry_unreachable */
  async guard(topicName: string): Promise<void> {
    await this.#told(this.#questions.put(configOf(subjectOf(topicName)), { compatibility: COMPATIBLE }));
  }

  #told<T>(asked: Promise<T>): Promise<T> {
    return asked.catch((cause: HttpFailure) => {
      throw registryUnreachable(this.#address, cause);
    });
  }
}
