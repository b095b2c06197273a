import type { ErrorCode } from "../../src/errors.ts";

/** A test that brings an error about, does what its `next` says and has the same thing run well. */
interface Walked {
  readonly by: string;
  /** Text of that file, so that the entry fails when the test is gone. */
  readonly has: string;
}

/** Why no test can, or none does. */
interface NotWalked {
  readonly because: string;
}

const WAYS_OUT = "test/flow/ways-out/ways-out.flow.test.ts";

const WHOSE = "test/flow/database/whose.flow.test.ts";

/** How each error's way out was walked. A new code asks for an entry here, and for its section in the runbook. */
export const WALKS: Readonly<Record<ErrorCode, Walked | NotWalked>> = {
  config_invalid: { by: WAYS_OUT, has: 'test("config_invalid: ' },
  input_invalid: { by: WAYS_OUT, has: 'test("input_invalid: ' },
  database_unreachable: { by: WAYS_OUT, has: 'test("database_unreachable: ' },
  pooler_transaction_mode: { by: "test/flow/database/pooler.flow.test.ts", has: "and lands once it pools by session" },
  permission_denied: { by: "test/flow/database/repair.flow.test.ts", has: "is as it was made after --repair" },
  file_unusable: { by: "test/flow/secured/broker-doors.flow.test.ts", has: "is let in once the file is the right one" },
  tls_refused: { by: "test/flow/secured/broker-doors.flow.test.ts", has: "who comes as a port wants it is let in" },
  login_refused: {
    by: "test/flow/secured/lost-doors.fault.test.ts",
    has: "goes on once its password is the old one again",
  },
  acl_missing: { by: "test/flow/secured/lost-doors.fault.test.ts", has: "goes on once the right is given back" },
  broker_unreachable: { by: "test/flow/landing/groups-apart.flow.test.ts", has: "waits for it as a service" },
  token_missing: { by: "test/flow/secured/tokens.fault.test.ts", has: "token_missing: " },
  registry_unreachable: { by: "test/flow/faults/fault-registry.flow.test.ts", has: "all lands when it is gone" },
  registry_refused: { because: "its way out is a program that doesn't change the schema: the tests have only one" },
  not_migrated: { by: WAYS_OUT, has: 'test("not_migrated: ' },
  database_newer: { because: "its way out is a newer program: the tests have only this one" },
  database_copied: { by: WHOSE, has: "that was restored takes the original's place, with its id" },
  encoding_unfit: { because: "its way out is a database like that of every other test" },
  catalog_mismatch: { by: WAYS_OUT, has: 'test("catalog_mismatch: ' },
  not_comparable: { by: WAYS_OUT, has: 'test("not_comparable: ' },
  not_caught_up: { by: WAYS_OUT, has: 'test("not_caught_up: ' },
  topic_missing: { by: WAYS_OUT, has: 'test("topic_missing: ' },
  topic_misconfigured: { by: "test/flow/faults/fault-log.flow.test.ts", has: "once mended, what came are letters" },
  history_lost: { by: WAYS_OUT, has: 'test("history_lost: ' },
  batch_unreadable: {
    by: "test/flow/writers/damaged-batch.fault.test.ts",
    has: "is gone past by the command that it names",
  },
  state_lost: { because: "its steps are walked by hand: everything published again under another namespace" },
  encoder_bug: { because: "it is a bug: the way out is a report" },
  landing_refused: { by: "test/flow/landing/groups-apart.flow.test.ts", has: "goes on by itself once that is mended" },
  rows_swallowed: { by: "test/flow/database/altered.flow.test.ts", has: "and all lands once it is gone" },
  too_many_letters: { by: "test/flow/letters/letters-answers.flow.test.ts", has: "becomes letters by one command" },
  replay_refused: { by: WAYS_OUT, has: 'test("replay_refused: ' },
  replay_differs: {
    by: "test/flow/agents/cassette.flow.test.ts",
    has: "and answers it all once that is as it was",
  },
  replay_partial: { by: WAYS_OUT, has: 'test("replay_partial: ' },
  group_crashed: { because: "no test can have a broker refuse a member for good and then take it" },
  groups_stopped: { because: "it holds the errors of several groups, whose own ways out are walked" },
  publish_refused: { because: "its test brings it about; publishing again is the promise of every test of repeats" },
  publisher_full: { because: "its way out is a caller that awaits, as every other test of publishing does" },
  stack_unavailable: { because: "a machine that lacks Java can't be given it by a test" },
  stack_failed: { because: "its tests read each next; that a stopped stack starts again is another test's" },
};
