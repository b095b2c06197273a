import { type Config, requireServices } from "../../config.ts";
import { Admission } from "../../event/admission.ts";
import { COMPATIBLE, subjectOf } from "../../event/http/subjects.ts";
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
    const lines = await withCompatibility(topics, way, false);
    return lines.flatMap(({ name, compatibility, unreadable }): Diagnosis[] => [
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
  });
  return [...found, ...admitted];
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
