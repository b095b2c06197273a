import { ERROR_CODES, type ErrorCode } from "../errors.ts";

/** What whoever is on duty does about an error. Its own `next` knows the case, and comes first. */
interface Advice {
  /** What to look at. */
  readonly look: string;
  /** What to do. */
  readonly act: string;
  /** When somebody has to be woken for it, and who. */
  readonly wake: string;
}

const NOBODY_NOW = "Nobody: nothing runs that could lose anything.";
const AGAIN =
  "Groups of a `tradetape consume` that runs go on by themselves within a minute; a command that has ended goes on where it " +
  "stopped when it is started again.";
const AFTER_MINUTES = "When it lasts longer than you can be without new rows. Events wait in the topics meanwhile.";

/** Advice on each code; docs/operations.md is made from it, and `tradetape help CODE` shows it. */
export const RUNBOOK: Readonly<Record<ErrorCode, Advice>> = {
  config_invalid: {
    look: "The settings that the message names, one a line; `tradetape config` shows all that are in force.",
    act: "Correct them where the process gets them from and start it again.",
    wake: NOBODY_NOW,
  },
  file_unusable: {
    look: "The file that the message names: whether it is there, whose it is, its mode, and what is in it.",
    act: `Put the right one there; a certificate and its key are replaced together. ${AGAIN}`,
    wake: AFTER_MINUTES,
  },
  input_invalid: {
    look: "The file, flag or event that the message names.",
    act:
      "Give what `next` says can be given. Of a file, everything before the error may have been published: " +
      "publish it again whole.",
    wake: "Nobody at night, unless a feed stands still for it: then whoever writes that feed.",
  },
  database_unreachable: {
    look: "Whether PostgreSQL runs where DATABASE_URL says: the message has the server's own words.",
    act: "Start it, or correct the URL. Running groups go on by themselves.",
    wake: AFTER_MINUTES,
  },
  pooler_transaction_mode: {
    look:
      "The pooler's pool_mode for this database and user (PgBouncer: `SHOW DATABASES` on its console), and whether " +
      "DATABASE_URL should lead to it at all.",
    act:
      "Set `pool_mode = session` for this database there, with a pool of at least TRADETAPE_DATABASE_SESSIONS_MAX for each " +
      "process, or lead around the pooler. Nothing of ours was set on a session that others use.",
    wake: AFTER_MINUTES,
  },
  permission_denied: {
    look:
      "Which role the message names, and which login user: somebody took a GRANT away, or restored a dump without owners or " +
      "privileges. `tradetape migrate --repair --dry-run` shows all that is missing.",
    act:
      "Run `tradetape migrate --repair` as a superuser or the tables' owner, or have a superuser run the statements that the " +
      "message has. Running groups go on by themselves.",
    wake: AFTER_MINUTES,
  },
  tls_refused: {
    look:
      "What `openssl s_client -connect HOST:PORT -showcerts` shows of the server that the message names: whether it speaks " +
      "TLS, its names, its dates, who certified it. Where it refuses ours: what it trusts.",
    act: `Renew the certificate, or do what \`next\` says of the settings. ${AGAIN}`,
    wake: AFTER_MINUTES,
  },
  login_refused: {
    look: "The service's own words in the message, and its log: a password that was changed, a user that was removed.",
    act: `Set it right there, or give this program the new login. ${AGAIN}`,
    wake: AFTER_MINUTES,
  },
  acl_missing: {
    look: "Which right on which topic or group the message names, and which rules the user has: `kafka-acls.sh --list`.",
    act: `Give the right back; ops/acl/ has all that each command needs (docs/security.md). ${AGAIN}`,
    wake: AFTER_MINUTES,
  },
  broker_unreachable: {
    look: "The brokers' logs, and the network to them.",
    act: "Bring the brokers back. Running groups and publishers go on by themselves.",
    wake: "At once where feeds publish: what a feed can't publish, nothing keeps but the feed's own buffer.",
  },
  token_missing: {
    look:
      "The provider that the message names, with its own words: whether it runs, knows the client and takes its secret. Of a " +
      "module, a function or a file the message has what it did.",
    act:
      "Bring the provider back, or correct the client's settings; a secret of a file may be changed under a process that runs. " +
      "Sessions that are open go on until their token ends, and running groups and publishers by themselves when there is a " +
      "token again.",
    wake: AFTER_MINUTES,
  },
  registry_unreachable: {
    look: "Whether the registry answers at SCHEMA_REGISTRY_URL, and whether that is the path of its API.",
    act: "Bring it back. Schemas that a process has seen are remembered, so that most of it runs on meanwhile.",
    wake: AFTER_MINUTES,
  },
  registry_refused: {
    look: "The registry's reason, and which version of a program registered the subject's last schema.",
    act:
      "Take back the change of the schema, or use another TRADETAPE_NAMESPACE. Don't loosen the subject's " +
      "compatibility.",
    wake: "Whoever released the program that was started: what ran before runs on.",
  },
  not_migrated: {
    look: "Which migrations the message names, and which version of the program made the database.",
    act: "Run `tradetape migrate` with the program's version, as the user that owns the tables or may make roles.",
    wake: NOBODY_NOW,
  },
  database_newer: {
    look: "Which version of the program migrated the database last, and which one was started now.",
    act: "Start that version, or a later one. Migrations aren't taken back. Which older programs may run is in upgrade.md.",
    wake: "Whoever released the program: what ran before, if it is the newer version, runs on.",
  },
  database_copied: {
    look:
      "Whether the database that this one was made from still runs, and may run again. Where it says that another one lands " +
      "under its id: which consumers run with which DATABASE_URL.",
    act:
      "Answer by one of the two commands of `next`: `--as restored` where the original is gone for good, `--as copy` where " +
      "it isn't. If in doubt, it is a copy. Should this be the original, and a copy of it was quicker: answer `--as copy` " +
      "there, which ends what runs there within seconds, and then `--as restored` here.",
    wake: "Where it is to take the original's place: nothing lands before somebody has answered.",
  },
  encoding_unfit: {
    look: "The database's encoding: `SHOW server_encoding`.",
    act: "Make a database with the encoding UTF8 by the statement of `next`, and fill it by `tradetape replay --into URL`.",
    wake: NOBODY_NOW,
  },
  catalog_mismatch: {
    look: "The columns and tables that the message names: somebody changed them by hand, or a migration is missing.",
    act:
      "Run `tradetape migrate`. Where that changes nothing, make what was changed again as the newest migration " +
      "that names it has it.",
    wake: "Whoever changed the table. The topic stands still until it is mended, and loses nothing.",
  },
  not_comparable: {
    look: "Which of the two databases is behind, or has other migrations.",
    act: "Migrate both by one version, let the one that is behind land the rest, and compare again.",
    wake: NOBODY_NOW,
  },
  not_caught_up: {
    look: "Which partitions are behind, and whether their consumers run: `tradetape status`.",
    act: "Run `tradetape consume TOPIC --until-caught-up`, then the command again. Nothing was changed.",
    wake: NOBODY_NOW,
  },
  topic_missing: {
    look:
      "Whether TRADETAPE_NAMESPACE and KAFKA_BROKERS are those that were meant: a topic that was there yesterday" +
      " is a bad sign.",
    act:
      "On a new cluster or namespace: `tradetape topics --create`. Where a topic was deleted, don't make it " +
      "again before you know why.",
    wake: "At once where it was there before: its events are gone from the log, and `history_lost` comes next.",
  },
  topic_misconfigured: {
    look: "`tradetape topics`: what differs, and why it matters.",
    act:
      "Do what `next` says for each difference; `tradetape topics --create` mends those that can be mended " +
      "without loss.",
    wake: "Where retention is too short or the topic is compacted: records may be going right now.",
  },
  history_lost: {
    look:
      "What the log has now (`tradetape topics`, `tradetape status`) and what was done to it: retention, a topic made again, " +
      "an election, another cluster. `tradetape rewind --dry-run` says how far it is still the log that landed.",
    act:
      "Find the cause first, because accepting is for good. What is gone for good is accepted, and a log that is another " +
      "one is gone back to, by the command in `next`, audited. Or a fresh database is filled from the log as it is.",
    wake: "At once: events are gone that have not landed, or the database is not this cluster's.",
  },
  batch_unreadable: {
    look:
      "Whether it stays so: a group fetches it again by itself. Which broker leads the partition (`kafka-topics --describe`), " +
      "and what its log says of its disk.",
    act:
      "Have another replica lead the partition: its copy may be whole. What is damaged everywhere is accepted as lost by the " +
      "command in `next`, audited; the other partitions of the topic wait until then.",
    wake: "Where it stays so: the topic lands nothing more, and a disk may be failing.",
  },
  state_lost: {
    look: "Which partitions and offsets the message names, and whether a snapshot was made with other settings.",
    act: 'Run with the settings of the snapshot, or go through the steps of "A log whose beginning is gone".',
    wake: "Where the program trades: it stands still until then, and has published nothing wrong.",
  },
  encoder_bug: {
    look: "Nothing of yours: the message has what PostgreSQL said of our bytes.",
    act: "Report it with that line. The version before lands the same topic, as long as nothing was migrated since.",
    wake:
      "Whoever maintains this installation. The topic stands still, and nothing is lost as long as the log keeps" +
      " it.",
  },
  landing_refused: {
    look:
      "PostgreSQL's words and SQLSTATE in the message, and its log: a full disk, a missing right, a trigger of " +
      "somebody's.",
    act: `Mend that. ${AGAIN}`,
    wake: AFTER_MINUTES,
  },
  rows_swallowed: {
    look: "Triggers, rules and policies on the table that the message names: `\\d TABLE` in psql shows them.",
    act: `Drop the one that leaves rows out; nothing of the batch had landed. ${AGAIN}`,
    wake: "Whoever added the trigger. The topic stands still until then, and loses nothing.",
  },
  too_many_letters: {
    look: "The reasons, schemas and examples in the message; `tradetape dead-letters preview TOPIC` shows what waits.",
    act: `Mend the cause, or answer by one of the commands that \`next\` has. The other topics land on. ${AGAIN}`,
    wake: "Whoever runs the feed of that topic: it writes what nobody can land.",
  },
  replay_refused: {
    look: "What the message says the target holds: rows, another unfinished replay, one that runs.",
    act: "Resume that replay by its own flags, or give a fresh database. Nothing was changed.",
    wake: NOBODY_NOW,
  },
  replay_differs: {
    look: "The call and the field that the message names: a prompt, a parameter or a tool's argument is another than it was.",
    act:
      "Have the agent ask what it asked: by its old version, with its own clock and seeds in place of those of the day. " +
      "What is meant to be new is recorded in a session of its own.",
    wake: NOBODY_NOW,
  },
  replay_partial: {
    look: "Whether this database is the one that was meant; `tradetape.replay_run` says what was asked of it.",
    act: "Finish the replay by the same command, or point the consumers at another database.",
    wake: "Nobody, where the live database is another one; else as for a service that is away.",
  },
  group_crashed: {
    look: "The message and the log before it: Kafka threw the group's member out for a reason that it names.",
    act: `Mend what the brokers' logs say. ${AGAIN}`,
    wake: "When it comes again and again.",
  },
  groups_stopped: {
    look: "The message: it has each group's own code and reason.",
    act: `Each code's own section. ${AGAIN}`,
    wake: "As the gravest of the codes says.",
  },
  publish_refused: {
    look: "The broker's reason in the message: a record too large, a right that is missing, replicas away.",
    act: "Mend that and publish the same events again: the same ids land once.",
    wake: "At once where a live feed publishes: nothing keeps what it can't publish.",
  },
  publisher_full: {
    look: "The program that publishes: it doesn't await `publish`, or the broker is slower than it.",
    act: "Await each call, or use `publishAll`. TRADETAPE_PUBLISH_BUFFER_BYTES_MAX only puts it off.",
    wake: "Whoever wrote the program, by day.",
  },
  stack_unavailable: {
    look: "What the message says this machine lacks, or which folder can't be used.",
    act: "Install it, or set TRADETAPE_HOME to a folder of yours.",
    wake: NOBODY_NOW,
  },
  stack_failed: {
    look: "The program's last lines in the message, and its whole log in the folder `logs` of TRADETAPE_HOME.",
    act: "Free the port, the memory or the disk that it names and run `tradetape up` again; its data stay.",
    wake: NOBODY_NOW,
  },
};

/** A code's section, as `tradetape help CODE` shows it. @returns undefined for what is no code */
export function runbookText(code: string): string | undefined {
  if (!Object.hasOwn(RUNBOOK, code)) return undefined;
  const { look, act, wake } = RUNBOOK[code as ErrorCode];
  return [ERROR_CODES[code as ErrorCode], `Look at: ${look}`, `Do: ${act}`, `Wake: ${wake}`].join("\n");
}
