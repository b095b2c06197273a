import { expect, test } from "vitest";
import { breachOf, type LandedLog, type SeenLog } from "../../src/topic/log-history.ts";

const LANDED: LandedLog = { nextOffset: 100, clusterId: "c", topicId: "t", leaderEpoch: 5 };
const SEEN: SeenLog = {
  log: { partition: 0, low: 0, high: 120 },
  clusterId: "c",
  topicId: "t",
  epochEnd: { epoch: 5, end: 120 },
};
const log = (high: number) => ({ partition: 0, low: 0, high });

test.each<[string, Partial<LandedLog>, Partial<SeenLog>, ReturnType<typeof breachOf>]>([
  ["the one that landed", {}, {}, undefined],
  ["the one that landed, to its end", {}, { log: log(100), epochEnd: { epoch: 5, end: 100 } }, undefined],
  ["the one that landed, under a later leader", {}, { epochEnd: { epoch: 5, end: 100 } }, undefined],
  ["another cluster's", {}, { clusterId: "d" }, "cluster"],
  ["another cluster's, whatever it holds", {}, { clusterId: "d", topicId: "u", log: log(3) }, "cluster"],
  ["one of a topic that was made again", {}, { topicId: "u" }, "topic"],
  ["of a topic that was made again and is as long", {}, { topicId: "u", log: log(100) }, "topic"],
  ["one that ends below what landed", {}, { log: log(99) }, "cut"],
  ["one that was cut and has grown beyond", {}, { epochEnd: { epoch: 5, end: 99 } }, "cut"],
  ["one that lost all of the last leader's part", {}, { epochEnd: { epoch: 4, end: 150 } }, "cut"],
  ["by nothing another one where brokers tell no topic's id", {}, { topicId: undefined }, undefined],
  ["by nothing another one where no id has been noted", { topicId: null }, { topicId: "u" }, undefined],
  ["by nothing another one where no epoch has been noted", { leaderEpoch: null }, { epochEnd: undefined }, undefined],
  ["by nothing another one where the log knows no epoch", {}, { epochEnd: undefined }, undefined],
])("a log is %s", (_, landed, seen, breach) => {
  expect(breachOf({ ...LANDED, ...landed }, { ...SEEN, ...seen })).toBe(breach);
});
