import { pino } from "pino";
import type { Consumer } from "../../src/batch/consumer.ts";
import type { Group } from "../../src/batch/group/group.ts";
import { Landings } from "../../src/batch/kin/landings.ts";
import { OwnBeats } from "../../src/batch/run/beat-note.ts";
import type { LandingServices } from "../../src/batch/run/landing-services.ts";
import { openGroup } from "../../src/batch/run/open-group.ts";
import { watchOutboxes } from "../../src/batch/run/outbox-watch.ts";
import { TradetapeError } from "../../src/errors.ts";
import type { Registry } from "../../src/event/registry.ts";
import { EVENT_BY_TOPIC } from "../../src/event/schemas.ts";
import { openLandingSessions } from "../../src/table/pool/landing-sessions.ts";
import { ConnectionSlot, SameServer } from "../../src/table/pool/slot.ts";
import type { LogAdmin } from "../../src/topic/log-client.ts";
import { RawPublisher } from "../../src/topic/publish/raw-publish.ts";
import { TOPICS } from "../../src/topic/topics.ts";
import { OWN_WRITERS } from "../event/avro-types.ts";
import { SCHEMA_IDS } from "./events.ts";
import { FakeKafka, type KafkaWorld } from "./fakes/fake-kafka.ts";
import type { FakePostgres } from "./fakes/fake-postgres.ts";
import type { Plan } from "./plan.ts";
import { Process } from "./virtual-time.ts";

const SILENT = pino({ level: "silent" });

export interface ProcessWorld extends KafkaWorld {
  readonly plan: Plan;
  readonly postgres: FakePostgres;
}

function fakeRegistry({ time, faults }: ProcessWorld, process: Process): Registry {
  const known = new Set<number>();
  const topics = Object.keys(SCHEMA_IDS) as (keyof typeof SCHEMA_IDS)[];
  const writer = (id: number) => {
    const topic = topics.find((name) => SCHEMA_IDS[name] === id);
    return topic ? OWN_WRITERS[EVENT_BY_TOPIC[topic]] : { reason: "the registry has no such schema" };
  };
  return {
    register: async (_name, topic) => SCHEMA_IDS[topic as keyof typeof SCHEMA_IDS],
    writer: (id) => (known.has(id) ? writer(id) : undefined),
    isStale: (id) => !known.has(id),
    fetch: async (id) => {
      await time.delay(time.random.between(1, 30), process);
      if (time.random.chance(faults.admin)) {
        time.note("registry-fault");
        throw new TradetapeError("registry_unreachable", "the registry is away", { canRetry: true });
      }
      known.add(id);
      return writer(id);
    },
  };
}

/** A cluster whose topics pass for as wide as they are declared: a simulated one is narrower, so that more happens to it. */
async function openWideAdmin(client: FakeKafka): Promise<LogAdmin> {
  const admin = await client.openAdmin();
  const fetchTopics = admin.fetchTopics.bind(admin);
  const { partitions } = TOPICS.ticks;
  admin.fetchTopics = async () =>
    new Map([...(await fetchTopics())].map(([name, one]) => [name, { ...one, partitions }]));
  return admin;
}

/** What openLandingServices opens, with everything outside simulated. */
export async function simulatedServices(world: ProcessWorld, process: Process): Promise<LandingServices> {
  const { plan, postgres, time, cluster } = world;
  const client = new FakeKafka(world, process);
  const openSession = postgres.openFor(process);
  const publisher = await RawPublisher.open(client);
  const closing = new AbortController();
  const name = { name: "questions", role: "tradetape_lander" as const };
  const server = new SameServer();
  const questions = new ConnectionSlot(plan.config.databaseUrl, name, openSession, server);
  const sessions = openLandingSessions(plan.config, openSession, server);
  return {
    config: plan.config,
    log: SILENT,
    clock: time.clockOf(process),
    client,
    admin: await openWideAdmin(client),
    registry: fakeRegistry(world, process),
    subjects: { newest: async () => undefined },
    publisher,
    questions,
    beats: new OwnBeats(),
    sessions,
    landings: new Landings(),
    closing: closing.signal,
    databaseId: "00000000-0000-0000-0000-00000000d1b0",
    clusterId: cluster.clusterId,
    auditSchemaId: SCHEMA_IDS.audit,
    sign: () => ({}),
    knownKeys: undefined,
    close: async () => {
      closing.abort();
      await publisher.close();
      await sessions.close();
      await questions.close();
    },
  };
}

/** `tradetape consume` in a process of its own: runs one group until it ends, is stopped, or killed. */
export class SimProcess {
  readonly process: Process;
  group: Group | undefined;
  isStopping = false;
  #isUnwanted = false;
  readonly #watching = new AbortController();
  readonly #world: ProcessWorld;
  readonly #ended: (error: unknown) => void;

  /** @param ended the group has ended: by an error, or, with undefined, because it was stopped */
  constructor(world: ProcessWorld, name: string, ended: (error: unknown) => void) {
    this.#world = world;
    this.process = new Process(name);
    this.#ended = ended;
  }

  async start(consumer: Consumer): Promise<void> {
    this.#world.time.note("start", () => this.process.name);
    let services: LandingServices;
    try {
      services = await simulatedServices(this.#world, this.process);
      this.group = await openGroup(services, consumer);
    } catch (error) {
      // A process that can't open its services exits and says so; whoever runs it starts it again.
      this.#world.time.note("start-failed", () => `${this.process.name}: ${(error as Error).message}`);
      return this.#exit(undefined);
    }
    if (this.#isUnwanted) return this.#exit(undefined);
    this.group.failure.catch((error) => this.#fail(error));
    const { group } = this;
    await group
      .start()
      .then(() => watchOutboxes(services, () => [group], this.#watching.signal))
      .catch((error) => this.#fail(error));
  }

  /** Asks the group to stop. @param force gives up what has not committed */
  stop(force: boolean): void {
    if (this.isStopping && !force) return;
    if (this.group === undefined) {
      // Still opening its services: it ends as soon as that is done.
      this.#isUnwanted = true;
      return;
    }
    this.#world.time.note(force ? "force-stop" : "stop", () => this.process.name);
    this.isStopping = true;
    this.#watching.abort();
    this.group.stop(force).then(
      () => this.#exit(undefined),
      (error) => this.#exit(error),
    );
  }

  /** As by kill -9: nothing of it happens any more; its sessions end when the server finds out. */
  kill(): void {
    const { time, postgres } = this.#world;
    time.note("kill", () => this.process.name);
    this.process.isAlive = false;
    for (const backend of postgres.backends) {
      if (backend.process !== this.process) continue;
      time.after(time.random.between(0, time.random.chance(0.2) ? 30_000 : 100), () => {
        backend.terminate("08006");
        postgres.backends.delete(backend);
      });
    }
  }

  /** As consume does: the fault that ended the group is told after it has been stopped. */
  async #fail(error: unknown): Promise<void> {
    if (this.isStopping) return;
    this.#world.time.note("group-failed", () => `${this.process.name}: ${(error as Error).message}`);
    this.isStopping = true;
    this.#watching.abort();
    await this.group!.stop().catch((second: unknown) => this.#exit(second));
    this.#exit(error);
  }

  #exit(error: unknown): void {
    if (!this.process.isAlive) return;
    this.#world.time.note("exit", () => this.process.name);
    this.process.isAlive = false;
    for (const backend of this.#world.postgres.backends) {
      if (backend.process === this.process) backend.terminate("08006");
    }
    this.#ended(error);
  }
}
