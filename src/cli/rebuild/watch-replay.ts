import type { Onlooker } from "../../replay/replay.ts";
import type { TopicProgress } from "../../replay/watch.ts";
import type { Bar, Progress } from "../progress.ts";

/** Shows a replay to whoever looks on: bars on a terminal, lines elsewhere, one JSON object a line with --json. */
interface ReplayView extends Onlooker {
  say(text: string): void;
  /** The last state stays on the screen. */
  end(): void;
}

const JSON_EVERY_MS = 1000;

export function watchReplay(progress: Progress, json: boolean): ReplayView {
  return json ? jsonView(progress) : barView(progress);
}

function jsonView({ line }: Progress): ReplayView {
  let saidMs = 0;
  const say = (event: string, facts: object) => line(JSON.stringify({ event, ...facts }));
  let last: readonly TopicProgress[] | undefined;
  return {
    say: (text) => say("note", { text }),
    phase: (state) => {
      if (last) say("progress", { topics: last });
      last = undefined;
      say("phase", { state });
    },
    topics: (topics) => {
      last = topics;
      if (Date.now() - saidMs < JSON_EVERY_MS) return;
      saidMs = Date.now();
      say("progress", { topics });
    },
    index: (name, progress) => say("index", { name, ...progress }),
    end: () => {},
  };
}

function barView(progress: Progress): ReplayView {
  const bars = new Map<string, Bar>();
  const show = (name: string, done: number, total: number, unit: string) => {
    if (total === 0) return;
    const bar = bars.get(name) ?? progress.bar(name, total, unit, done);
    bars.set(name, bar);
    bar.set(done, total);
  };
  const end = () => {
    for (const bar of bars.values()) bar.end();
    bars.clear();
  };
  return {
    say: progress.line,
    phase: (_state, text) => {
      end();
      progress.close();
      progress.line(text);
    },
    topics: (topics) => {
      for (const { topic, done, total } of topics) show(topic, done, total, "offsets");
      const sum = (of: (one: TopicProgress) => number) => topics.reduce((all, one) => all + of(one), 0);
      show(
        "overall",
        sum(({ done }) => done),
        sum(({ total }) => total),
        "offsets",
      );
    },
    index: (name, { phase, done, total }) => show(`${name}: ${phase}`, done, total, ""),
    end,
  };
}
