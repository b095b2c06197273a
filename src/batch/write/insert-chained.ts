import { CHAIN_START, chainHash } from "../../audit/chain.ts";
import { chainHead, insertLinked, type Link, newEntries } from "../../table/landing/chain.ts";
import { refuseSwallowed } from "../../table/landing/swallowed.ts";
import { takeTurnWithin } from "../../table/turn.ts";
import { conflictsOf, type StagedInsert } from "./insert-staged.ts";

/**
 * Inserts staged audit entries as the chain's only writer: leaves out ids that have landed, reads the chain's head, and hashes
 * and inserts the rest in the topic's order. The partition's lock is not enough: the audit topics of two namespaces land in
 * one log.
 */
export const insertChained: StagedInsert = async (connection, stage) => {
  await takeTurnWithin(connection, "audit_turn");
  const entries = await newEntries(connection, stage);
  if (entries.length === 0) return { counts: [], refused: [], conflicts: await conflictsOf(connection, stage) };
  const head = await chainHead(connection);
  let seq = head?.seq ?? 0;
  let previous = head?.hash ?? CHAIN_START;
  const links = entries.map(({ offset, fields }): Link => {
    const link = { offset, seq: ++seq, previous, hash: chainHash(previous, fields) };
    previous = link.hash;
    return link;
  });
  const inserted = await insertLinked(connection, stage, links);
  refuseSwallowed(stage.table, links.length - inserted);
  const conflicts = await conflictsOf(connection, stage);
  return { counts: [{ outcome: "written", rows: inserted, offsets: null }], refused: [], conflicts };
};
