import { TradetapeError } from "../errors.ts";
import { REDACTION_RULES } from "./body/redact.ts";
import { type CallRecords, Cassette, type ReplayCounts } from "./cassette.ts";
import type { AgentIdentity } from "./fields.ts";
import { askingOfTool, type Fetch, recordedFetch, recordTool, type Tool } from "./recorded-fetch.ts";
import { type PublishDraft, Recorder, type RecordingCounts, type RecordingOptions } from "./recorder.ts";
import { replayedFetch, replayTool } from "./replayed-calls.ts";
import { withinTool } from "./scope.ts";

/** What the tape hands its agents. */
export interface AgentParts {
  readonly publish: PublishDraft;
  /** The same for what is recorded, also while the tape closes. */
  readonly publishRecord: PublishDraft;
  /** Says that calls are lost, and why. */
  readonly warn: (text: string) => void;
  /** Has the tape wait for a recorder as it closes. */
  readonly atClose: (recorder: Recorder) => void;
  readonly records: CallRecords;
}

/** An agent's calls of models and tools: recorded, or answered from the record of a session. */
export class Thoughts {
  readonly #by: AgentIdentity;
  readonly #now: () => number;
  readonly #recording: RecordingOptions;
  readonly #parts: AgentParts;
  #recorder: Recorder | undefined;
  #cassette: Cassette | undefined;

  constructor(by: AgentIdentity, now: () => number, recording: RecordingOptions, parts: AgentParts) {
    this.#by = by;
    this.#now = now;
    this.#recording = recording;
    this.#parts = parts;
  }

  record(fetch: Fetch): Fetch {
    const recorded = recordedFetch(this.#openRecorder(), fetch);
    return (input, init) =>
      this.#cassette === undefined ? recorded(input, init) : replayedFetch(this.#cassette, fetch)(input, init);
  }

  tool<A extends unknown[], R>(name: string, work: (...args: A) => R | Promise<R>): Tool<A, R> {
    const recorder = this.#openRecorder();
    return async (...args) => {
      if (this.#cassette !== undefined) return (await replayTool(this.#cassette, name, args)) as R;
      return recordTool(recorder, askingOfTool(name, args), (call) => withinTool(call, () => work(...args)));
    };
  }

  recorded(): Promise<RecordingCounts> {
    return this.#openRecorder().settled();
  }

  async replay(session: string | null): Promise<() => ReplayCounts> {
    if (session === null)
      throw new TradetapeError("input_invalid", "live trading can't be replayed", {
        next: "Give the session whose calls are to be answered from the record.",
      });
    const { redact = REDACTION_RULES } = this.#recording;
    const cassette = await Cassette.open(this.#by, session, this.#parts.records, redact);
    this.#cassette = cassette;
    return () => cassette.counts();
  }

  #openRecorder(): Recorder {
    if (this.#recorder === undefined) {
      const { publishRecord: publish, warn, atClose } = this.#parts;
      this.#recorder = new Recorder({ ...this.#recording, by: this.#by, now: this.#now, publish, warn });
      atClose(this.#recorder);
    }
    return this.#recorder;
  }
}
