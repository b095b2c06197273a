import { type Config, requireServices } from "../../config.ts";
import { Admission } from "../../event/admission.ts";
import { COMPATIBLE, Subjects, subjectOf } from "../../event/http/subjects.ts";
import { EVENT_TOPICS } from "../../event/schemas.ts";
import type { Log } from "../../log.ts";
import { SETTINGS } from "../../settings.ts";
import { topicName } from "../../topic/topics.ts";
import { withCompatibility } from "../stack/topics.ts";
import { type Diagnosis, looked } from "./diagnosis.ts";

/** By which subjects events are read, what the registry lets others register that landing can't read, and such versions. */
export async function lookAtRegistry(config: Config, log: Log): Promise<readonly Diagnosis[]> {
  const about = "registry";
  if (config.schemaRegistryUrl === undefined) {
    return [{ about, severity: "told", says: "SCHEMA_REGISTRY_URL is not set, so it isn't looked at" }];
  }
  const admitted = await looked("subjects", async () => [admissionOf(config, log)]);
  const found = await looked(about, async () => {
    const topics = EVENT_TOPICS.map((topic) => ({ topic, name: topicName(config.namespace, topic) }));
    const way = requireServices(config, "schemaRegistryUrl");
    const age = registryFinding(await new Subjects(way).age());
    const lines = await withCompatibility(topics, way, false);
    const found = lines.flatMap(({ name, compatibility, unreadable }): Diagnosis[] => [
      ...(compatibility === null || compatibility === COMPATIBLE
        ? []
        : [
            {
              about,
              severity: "wrong" as const,
              says: `${subjectOf(name)} is ${compatibility}, so the registry takes schemas that landing can't read`,
              next: "Run `tradetape topics --set-compatibility`.",
            },
          ]),
      ...unreadable.map(({ version, id, why }) => ({
        about,
        severity: "wrong" as const,
        says: `version ${version} (schema ${id}) of ${subjectOf(name)}: every event written with it becomes a letter: ${why}`,
        next: "Mend its writer before it publishes.",
      })),
    ]);
    return [age, ...found];
  });
  return [...found, ...admitted];
}

/** Confluent's registry tells its version, others don't: what counts is whether it has every question. */
function registryFinding({ version, tellsSubjects }: Awaited<ReturnType<Subjects["age"]>>): Diagnosis {
  const about = "registry";
  const itself = version === undefined ? "the registry doesn't tell its version" : `the registry is ${version}`;
  if (tellsSubjects)
    return { about, severity: "told", says: `${itself}, and has what is asked of Confluent's since 5.5` };
  return {
    about,
    severity: "doubtful",
    says: `${itself}, and is older than Confluent's 5.5: it doesn't tell of which subject a schema is, so any schema is admitted`,
    next: "Use Confluent's registry 5.5 or later, or another with its API as of 5.5.",
  };
}

const ADMITTED = SETTINGS.admittedSubjects.env;

/**
 * By which subjects' schemas events are read.
 * @throws TradetapeError config_invalid, where the setting names a topic that there isn't
 */
export function admissionOf(config: Pick<Config, "admittedSubjects">, log: Pick<Log, "warn">): Diagnosis {
  const isForAny = new Admission(config, log).admitsAll;
  const { admittedSubjects: more } = config;
  if (isForAny) {
    return {
      about: "subjects",
      severity: "doubtful",
      says: `events are read by any schema of the registry (${ADMITTED}), also by one that was made for another topic`,
      next: `Name in ${ADMITTED} the subjects that the topics' writers register.`,
    };
  }
  const beside = more.length === 0 ? "" : `, and by those of ${more.join(", ")} (${ADMITTED})`;
  return {
    about: "subjects",
    severity: "told",
    says: `events are read by schemas of their topic's subject or their record's name${beside}`,
  };
}
