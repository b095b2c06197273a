import { createRequire } from "node:module";
import { fetchWholeBatches } from "../../../src/topic/patch/fetch-response.ts";
import { kafkajsInternals } from "../../../src/topic/patch/kafkajs-internals.ts";
import type { RecordBatch } from "../../../src/topic/wire/record-batch.ts";
import type { Dice } from "../../chaos/dice.ts";
import { byKafkajs } from "../../topic/wire/batch-bytes.ts";
import { FROM, randomBatches, readBatches } from "./batches.ts";
import { type Door, kindOf, must } from "./door.ts";

interface Partition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly messages: readonly RecordBatch[];
}
interface Answer {
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly Partition[] }[];
}
interface Decoding {
  readonly response: { decode(payload: Buffer): Promise<unknown> };
}

const load = createRequire(import.meta.url);
const VERSION = 11;
const PARTITIONS = [0, 1, 2, 3];
const ASKED = {
  topics: ["ticks", "fills"].map((topic) => ({
    topic,
    partitions: PARTITIONS.map((partition) => ({ partition, fetchOffset: String(FROM) })),
  })),
};

/** Answers to a fetch, of whatever stands where the broker should. */
export async function fetchesDoor(dice: Dice): Promise<Door> {
  const internals = kafkajsInternals();
  fetchWholeBatches(internals);
  const ours = (internals.requests.Fetch.protocol({ version: VERSION }) as (data: object) => Decoding)(ASKED);
  const theirs = load("kafkajs/src/protocol/requests/fetch/v11/response.js") as Decoding["response"];
  const decode = (payload: Buffer) => ours.response.decode(payload) as Promise<Answer>;
  const seeds: Buffer[] = [];
  for (let n = 0; n < 8; n++) seeds.push(await randomAnswer(dice));
  return {
    name: "fetches",
    seeds,
    open: async (input) => {
      try {
        return await readAnswer(await decode(input));
      } catch (error) {
        if ((error as Error).name !== "KafkaJSConnectionError") throw error;
        return `outage: ${kindOf((error as Error).message)}`;
      }
    },
    agree: async (random) => {
      const payload = await randomAnswer(random);
      const [one, other] = [await decode(payload), (await theirs.decode(payload)) as Answer];
      must(JSON.stringify(shape(one)) === JSON.stringify(shape(other)), "it reads another answer than kafkajs does");
    },
  };
}

const shape = ({ responses }: Answer) =>
  responses.map(({ topicName, partitions }) => [
    topicName,
    partitions.map(({ partition, errorCode, highWatermark }) => [partition, errorCode, highWatermark]),
  ]);

async function readAnswer({ responses }: Answer): Promise<string> {
  const parts = responses.flatMap(({ partitions }) => partitions);
  const kinds: string[] = [];
  for (const { messages, errorCode } of parts)
    kinds.push(errorCode === 0 ? await readBatches(messages) : "an error's code");
  return [...new Set(kinds)].sort().join(" / ").slice(0, 160) || "no partition";
}

async function randomAnswer(dice: Dice): Promise<Buffer> {
  const Encoder = load("kafkajs/src/protocol/encoder.js");
  const head = new Encoder().writeInt32(0).writeInt16(0).writeInt32(dice.between(0, 9));
  const topics = ["ticks", "fills"].slice(0, dice.between(1, 2));
  head.writeInt32(topics.length);
  const parts: Buffer[] = [head.buffer];
  for (const topic of topics) {
    const partitions = PARTITIONS.slice(0, dice.between(1, 3));
    parts.push(new Encoder().writeString(topic).writeInt32(partitions.length).buffer);
    for (const partition of partitions) {
      const end = dice.between(FROM, FROM + 50);
      const fields = new Encoder().writeInt32(partition).writeInt16(0).writeInt64(end).writeInt64(end).writeInt64(0);
      const aborted = dice.between(0, 2);
      fields.writeInt32(aborted);
      for (let n = 0; n < aborted; n++) fields.writeInt64(dice.between(0, 3)).writeInt64(FROM + n);
      const batches = await randomBatches(dice, FROM);
      must((await byKafkajs(batches)).length > 0, "no records to read");
      parts.push(fields.writeInt32(-1).writeBytes(batches).buffer);
    }
  }
  return Buffer.concat(parts);
}
