import type { EventTopic } from "../../src/event/schemas.ts";
import { topicName } from "../../src/topic/topics.ts";
import { decision, fill, idOf, prediction, session, symbol } from "../support/samples.ts";
import type { Bed } from "./proof-bed.ts";

const AGENT_EVENTS = 20_000;
const POISONED = 1000;
const SESSION = idOf("the backtest of the proof");

/** 20,000 predictions, decisions and fills that join up, every tenth of them of a backtest. */
export async function publishAgent(bed: Bed): Promise<number> {
  const each = Math.ceil(AGENT_EVENTS / 3);
  const of = (n: number) => ({ backtest_session_id: n % 10 === 0 ? SESSION : null });
  function* events<E>(make: (n: number, change: ReturnType<typeof of>) => E): Generator<E> {
    for (let n = 0; n < each; n++) yield make(n, of(n));
  }
  await bed.tape(async (tape) => {
    await tape.publish("symbols", symbol());
    await tape.publish("sessions", session({ backtest_session_id: SESSION }));
    await tape.publishAll("predictions", events(prediction));
    await tape.publishAll("decisions", events(decision));
    await tape.publishAll("fills", events(fill));
  });
  return 3 * each;
}

/** A thousand messages that no topic's events can be read from, spread over the topics. */
export async function publishPoison(bed: Bed): Promise<number> {
  const topics: readonly EventTopic[] = ["ticks", "bars", "predictions", "decisions", "fills"];
  const producer = bed.kafka().producer();
  await producer.connect();
  for (const topic of topics) {
    const messages = Array.from({ length: POISONED / topics.length }, (_, n) => ({
      key: `poison ${n}`,
      value: n % 2 === 0 ? Buffer.from(`no event ${n}`) : Buffer.from([0, 255, 255, 255, n % 256]),
    }));
    await producer.send({ topic: topicName(bed.config.namespace, topic), messages, acks: -1 });
  }
  await producer.disconnect();
  return POISONED;
}
