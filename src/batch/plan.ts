import type { StageStatements } from "../table/stage.ts";
import type { Consumer } from "./consumer.ts";
import type { CopyTarget } from "./copy-isolated.ts";
import type { Encoder } from "./encode.ts";
import type { StagedPath } from "./land-staged.ts";

/** All that landing one topic's batches needs to know and that doesn't change while the group runs. */
export interface LandingPlan {
  readonly consumer: Consumer;
  readonly topicName: string;
  readonly databaseId: string;
  readonly encoder: Encoder;
  readonly direct: CopyTarget;
  readonly stage: StageStatements;
  readonly staged: StagedPath;
  readonly auditTopicName: string;
  readonly auditSchemaId: number;
  readonly deadLettersTopicName: string;
}
