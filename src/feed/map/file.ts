import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { refusal } from "../format.ts";
import { type FeedMap, parseMap } from "./schema.ts";

const BYTES_MAX = 1024 * 1024;

/** Reads a map, JSON or YAML (of which JSON is a part). @throws TradetapeError input_invalid */
export function readMap(path: string): FeedMap {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw refusal(`--map ${path} can't be read: ${(cause as Error).message}`, "Check its name and your rights to it.");
  }
  if (text.length > BYTES_MAX) throw refusal(`--map ${path} is too large to be a map`, "Name the map, not the data.");
  let value: unknown;
  try {
    value = parse(text, { uniqueKeys: true, maxAliasCount: 0 });
  } catch (cause) {
    throw refusal(`--map ${path} is neither JSON nor YAML: ${(cause as Error).message}`, "Mend the place it names.");
  }
  return parseMap(value, path);
}
