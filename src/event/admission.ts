import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { type HttpFailure, registryUnreachable } from "./http/registry-fault.ts";
import type { RegistryAddress } from "./http/registry-http.ts";
import type { RegistryQuestions } from "./http/registry-questions.ts";
import { subjectsOf } from "./http/subjects.ts";
import { EVENT_TOPICS, type EventTopic } from "./schemas.ts";

/** A subject that a setting admits. */
interface Admitted {
  /** Undefined is each topic. */
  readonly topic: string | undefined;
  readonly pattern: RegExp;
}

/** Any text stands in front of a topic's name: a log that was mirrored has another namespace than its writers' subjects. */
const NAMESPACE = "(?:.*\\.)?";

/** What a registry with contexts puts before a subject that isn't of the default one. */
const CONTEXT = /^:\.[^:]*:/;

/**
 * Decides by the subjects of a writer's schema whether a topic's events may be written with it, so that who may register one
 * subject and write to one topic can't have the topic's readers read by a schema that was made for something else.
 */
export class Admission {
  readonly #admitted: readonly Admitted[];
  readonly #log: Pick<Log, "warn">;
  #hasTold = false;

  /** @throws TradetapeError config_invalid, where a topic is named that there isn't */
  constructor({ admittedSubjects }: Pick<Config, "admittedSubjects">, log: Pick<Log, "warn">) {
    this.#admitted = admittedSubjects.map(admittedBy);
    this.#log = log;
  }

  /** Whether every topic admits any schema. */
  get admitsAll(): boolean {
    return this.#admitted.some(({ topic, pattern }) => topic === undefined && pattern.source === ANYTHING);
  }

  /**
   * Asks which subjects a schema is of, also those that were deleted: what was written with it is in the log as it was.
   * @param record the name of the schema's record, with its namespace
   * @returns what says why a topic doesn't admit it; undefined where every topic does
   * @throws TradetapeError registry_unreachable, canRetry
   */
  async judge(
    id: number,
    record: string,
    questions: RegistryQuestions,
    address: RegistryAddress,
  ): Promise<((topic: EventTopic) => string | undefined) | undefined> {
    if (this.admitsAll) return undefined;
    const subjects = await subjectsOf(questions, id).catch((cause: HttpFailure) => {
      // It has just given the schema itself.
      throw registryUnreachable(address, cause, true);
    });
    if (subjects === undefined) {
      this.#tellUnasked(address.shown);
      return undefined;
    }
    return (topic) => {
      const why = this.refusal(topic, record, subjects);
      return why && `schema ${id} ${why}`;
    };
  }

  /**
   * Why a topic doesn't admit a schema; undefined where it does: under the topic's subject in whatever namespace, under the
   * record's name, whole or its last part, under both, as the usual strategies of serializers call them, or by the setting.
   * A schema that is of no subject any more is admitted, because nothing says that it was another topic's.
   */
  refusal(topic: EventTopic, record: string, subjects: readonly string[]): string | undefined {
    if (subjects.length === 0) return undefined;
    const own = new RegExp(
      `^(${NAMESPACE}${topic}(-value|-${literal(record)})?|${literal(record)}|${lastPart(record)})$`,
    );
    const isAdmitted = (subject: string) =>
      own.test(subject.replace(CONTEXT, "")) ||
      this.#admitted.some((one) => (one.topic ?? topic) === topic && one.pattern.test(subject));
    if (subjects.some(isAdmitted)) return undefined;
    const shown = subjects
      .slice(0, SHOWN_MAX)
      .map((subject) => subject.slice(0, CHARS_SHOWN_MAX))
      .join(", ");
    const more = subjects.length > SHOWN_MAX ? ` and ${subjects.length - SHOWN_MAX} more` : "";
    return `is of the subject ${shown}${more}, which ${topic} doesn't admit (TRADETAPE_ADMITTED_SUBJECTS)`;
  }

  /** Says once that a registry can't be asked for this: then nothing is refused for it. */
  #tellUnasked(registry: string): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    this.#log.warn(
      { registry },
      "the registry doesn't say which subjects a schema is of, so events by any schema are admitted",
    );
  }
}

const SHOWN_MAX = 5;
/** Each letter tells them: a long name would be in each. */
const CHARS_SHOWN_MAX = 120;

/** The source of the pattern that `*` alone becomes. */
const ANYTHING = "^.*$";

const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");

const lastPart = (record: string): string => literal(record.slice(record.lastIndexOf(".") + 1));

function admittedBy(text: string): Admitted {
  const [subject = "", topic] = text.split("=").toReversed();
  if (topic !== undefined && !(EVENT_TOPICS as readonly string[]).includes(topic)) {
    throw new TradetapeError("config_invalid", `TRADETAPE_ADMITTED_SUBJECTS: there is no topic ${topic}`, {
      next: `Name one of ${EVENT_TOPICS.join(", ")}, or the subject alone, for all of them.`,
    });
  }
  return { topic, pattern: new RegExp(`^${subject.split("*").map(literal).join(".*")}$`) };
}
