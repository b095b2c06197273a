import { createRequire } from "node:module";
import kafkajs, { type Admin, type Kafka, type Producer } from "kafkajs";
import type { Config } from "../../../src/config.ts";
import { kafkajsInternals } from "../../../src/topic/patch/kafkajs-internals.ts";
import { quietRequestQueue } from "../../../src/topic/patch/request-queue.ts";
import { CODECS } from "../../../src/topic/wire/codecs.ts";
import { COMPRESS } from "./codecs.ts";

const load = createRequire(import.meta.url);
// Node warns of this kafkajs's timers as it does of every other's.
quietRequestQueue(kafkajsInternals((module) => load(`kafkajs/${module}`)));

for (const [number, compress] of COMPRESS) {
  const pack = ({ buffer }: { readonly buffer: Buffer }) => compress(buffer);
  const codec = { compress: pack, decompress: CODECS.get(number)!.decompress };
  kafkajs.CompressionCodecs[number as 1 | 2 | 3 | 4] = () => codec;
}

/**
 * kafkajs as any other program has it: what it writes and how it reads owes nothing to tradetape's own client. It has more
 * patience than by default: on a loaded machine a connection takes longer than a second, and a topic's leader than two.
 */
export const plainKafka = ({ kafkaBrokers }: Pick<Config, "kafkaBrokers">): Kafka =>
  new kafkajs.Kafka({
    brokers: [...kafkaBrokers!],
    connectionTimeout: 60_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 60 },
    logLevel: kafkajs.logLevel.NOTHING,
  });

export const plainProducer = (kafka: Kafka): Producer =>
  kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });

/** Runs `use` with a connected admin client and disconnects it. */
export async function withPlainAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}
