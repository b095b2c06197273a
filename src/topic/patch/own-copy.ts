import { createRequire } from "node:module";
import { basename, dirname } from "node:path";

const OWN_NAME = "tradetape-kafkajs";

/** A module of it. */
export function ownCopy(module: string): unknown {
  const load = createRequire(import.meta.url);
  requireOwnFolder(dirname(load.resolve(`${OWN_NAME}/package.json`)));
  return load(`${OWN_NAME}/${module}`);
}

/**
 * npm gives an alias a folder of its own. pnpm links it to the one folder of that kafkajs, which a host program that has
 * the same version loads as well: our patches would give its consumers whole batches for messages.
 * @throws Error unless the folder is our copy's alone
 */
export function requireOwnFolder(folder: string): void {
  if (basename(folder) === OWN_NAME) return;
  throw new Error(
    `tradetape's copy of kafkajs lies in ${folder}, where other programs find it, too, and tradetape would change theirs: ` +
      "install tradetape with npm, which gives its copy a folder of its own",
  );
}
