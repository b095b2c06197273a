import { type Dice, openDice, seedOf } from "../../chaos/dice.ts";
import { batchesDoor } from "./batches.ts";
import type { Door } from "./door.ts";
import { fetchesDoor } from "./fetches.ts";
import { schemasDoor } from "./schemas.ts";
import { textsDoor } from "./texts.ts";
import { valuesDoor } from "./values.ts";

type Opening = (dice: Dice) => Door | Promise<Door>;

/** Every door by its name, and its share of a run's inputs: what costs more gets fewer. */
export const DOORS: Readonly<Record<string, { readonly share: number; readonly open: Opening }>> = {
  batches: { share: 0.3, open: batchesDoor },
  values: { share: 0.38, open: valuesDoor },
  fetches: { share: 0.12, open: fetchesDoor },
  texts: { share: 0.18, open: () => textsDoor() },
  schemas: { share: 0.02, open: schemasDoor },
};

/** @param seed of the run: the door's own seeds are the same whatever other doors are opened */
export const openDoor = async (name: string, seed: number): Promise<Door> =>
  DOORS[name]!.open(openDice(seedOf(seed, name, "seeds")));
