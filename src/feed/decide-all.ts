import type { EventTopic } from "../event/schemas.ts";
import type { Feed, FeedOptions, Producer } from "./feed.ts";
import { refusal } from "./format.ts";

/** A file about which everything is decided. */
interface DecidedFile<T extends EventTopic> {
  /** As the person named it. */
  readonly file: string;
  /** Opens the file to be read; may be called once. */
  open(): Promise<Feed<T>>;
}

const STANDARD_INPUT = "-";

/**
 * Opens every file once, so that what one leaves undecided is asked before anything of the others is sent. Each is closed
 * again until its turn, because a thousand open files and their first lines are too many; standard input can't be.
 * @throws TradetapeError input_invalid for the first file that can't be read or leaves something undecided
 */
export async function decideAll<T extends EventTopic>(
  producer: Producer<T>,
  files: readonly string[],
  options: FeedOptions,
): Promise<DecidedFile<T>[]> {
  if (files.filter((file) => file === STANDARD_INPUT).length > 1) {
    throw refusal("standard input is named twice", "Name it once: it can be read once.");
  }
  const decided: DecidedFile<T>[] = [];
  let kept: Feed<T> | undefined;
  try {
    for (const file of files) {
      const feed = await producer.open(file, options);
      if (file === STANDARD_INPUT) kept = feed;
      else feed.close();
      decided.push({ file, open: async () => (file === STANDARD_INPUT ? feed : producer.open(file, options)) });
    }
  } catch (error) {
    kept?.close();
    throw error;
  }
  return decided;
}
