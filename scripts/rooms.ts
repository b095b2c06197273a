/** The rooms of the source, outside in: what `test/tidy.test.ts` holds imports to and ARCHITECTURE.md shows as a table. */

/** A folder or a file whose name tells what is in it. */
export interface Part {
  /** Relative to its room; "." is the room's own files. */
  readonly name: string;
  readonly knows: string;
  /** Packages that only this part, and others that name them, may import. */
  readonly alone?: readonly string[];
}

export interface Room {
  /** From the root, without `.ts`. */
  readonly path: string;
  readonly knows: string;
  /** Packages that only this room may import. */
  readonly alone?: readonly string[];
  /** In order: a part may import itself and the parts before it. */
  readonly parts?: readonly Part[];
}

/** A room may import itself and rooms of the layers before its own, none of its own; so there are no circles between rooms. */
export const LAYERS: readonly (readonly Room[])[] = [
  [{ path: "src/errors", knows: "error codes, whether a retry can help, the next step; text as a message shows it" }],
  [{ path: "src/settings", knows: "every setting, declared once" }],
  [{ path: "src/config", knows: "the settings in force" }],
  [
    { path: "src/log", knows: "log lines", alone: ["pino"] },
    { path: "src/clock", knows: "time that tests can hand in" },
    { path: "src/manifest", knows: "this program's version, and the packages that only some commands need" },
    { path: "src/own-file", knows: "files that only this program's user reads; keys and certificates" },
  ],
  [{ path: "src/http", knows: "questions over HTTP and TLS; the tokens that logins are by" }],
  [
    {
      path: "src/event",
      knows: "events",
      alone: ["avsc", "@kafkajs/confluent-schema-registry"],
      parts: [
        { name: "avro", knows: "avsc's types, strict about the bytes that they read" },
        { name: "time", knows: "times in any form, and which of them no event may have" },
        { name: "field", knows: "what one field may hold; the inputs that an event names" },
        { name: "http", knows: "what a schema registry is asked over HTTP; its subjects" },
        { name: ".", knows: "schemas, ids, checks, the wire format, the registry" },
      ],
    },
    { path: "src/signature", knows: "signatures of audit entries, and the keys that they are known by" },
  ],
  [
    {
      path: "src/feed",
      knows: "files of market data",
      alone: ["csv-parse", "yauzl", "yaml"],
      parts: [
        {
          name: ".",
          knows: "opening, sampling, cutting into lines, times and zones; what is decided and what is asked",
        },
        { name: "text", knows: "cells, and how numbers and times are written" },
        { name: "map", knows: "the description of a layout, and the names of columns" },
        { name: "decide", knows: "what a file, its flags and its map decide together" },
        { name: "rows", knows: "rows of a decided layout to events" },
        { name: "formats", knows: "the layouts of programs and sites" },
      ],
    },
    {
      path: "src/topic",
      knows: "Kafka",
      alone: ["@node-rs/crc32", "yaml"],
      parts: [
        { name: "wire", knows: "record batches and codecs, as bytes" },
        { name: "fetch", knows: "what a fetch brought" },
        { name: ".", knows: "`LogClient`, a cluster as all other rooms know it; topics, partitions" },
        { name: "publish", knows: "events to acknowledged records" },
        { name: "patch", knows: "what is changed inside our copy of kafkajs", alone: ["tradetape-kafkajs"] },
        {
          name: "kafkajs",
          knows: "`LogClient` by kafkajs: clients, admins, producers, group members",
          alone: ["tradetape-kafkajs"],
        },
      ],
    },
    {
      path: "src/table",
      knows: "PostgreSQL: every SQL statement",
      alone: ["pg", "pg-copy-streams"],
      parts: [
        { name: "login", knows: "what a session is when it begins: TLS, our settings, and a server process to itself" },
        { name: ".", knows: "connections, COPY, SQLSTATEs, migrations" },
        { name: "pool", knows: "the few sessions that many share" },
        { name: "rows", knows: "Avro bytes to COPY's bytes, as the catalog has the columns" },
        { name: "landing", knows: "the statements of a landing's transaction" },
        { name: "letters", knows: "dead letters and what people did with them" },
        { name: "sessions", knows: "sessions, their rows, lineage" },
        { name: "desk", knows: "what a desk asks of positions, orders, predictions and data" },
        { name: "upkeep", knows: "day partitions, replay runs, indexes" },
        { name: "checks", knows: "ledger and digests, for verify and status" },
      ],
    },
  ],
  [
    {
      path: "src/status",
      knows: "how far each partition has landed, how late it is and until when, and what its group does",
    },
    { path: "src/audit", knows: "audit entries, their chain, checkpoints and proofs" },
    { path: "src/calendar", knows: "when exchanges are open; where bars of days, weeks and sessions begin and end" },
    {
      path: "src/agent",
      knows: "what an agent publishes; the calls of models and tools that led to it",
      parts: [
        { name: "body", knows: "the texts that calls ask and answer: wire forms, redaction, pieces, differences" },
        { name: ".", knows: "ids, links, headers; recording calls and answering them from the record" },
      ],
    },
    {
      path: "src/strategy",
      knows: "the reference agent's arithmetic: pure functions",
      alone: ["trading-signals"],
      parts: [
        { name: ".", knows: "bars, indicators, the model and its policy; books and figures" },
        { name: "paper", knows: "a broker on paper: orders, the bars that price them, reports" },
      ],
    },
  ],
  [
    {
      path: "src/batch",
      knows: "landing",
      parts: [
        { name: ".", knows: "a consumer's declaration; patience, tallies, buffer space" },
        { name: "encode", knows: "fetched bytes become rows and letters" },
        { name: "write", knows: "rows go into a table; bad ones are isolated" },
        { name: "land", knows: "the transaction, and what is decided in it" },
        { name: "kin", knows: "children wait for their parents, and are released when these land" },
        { name: "group", knows: "one consumer group, running" },
        { name: "run", knows: "the groups of a process" },
      ],
    },
    { path: "src/feed-health", knows: "whether feeds say what they use to while their markets are open" },
    { path: "src/desk", knows: "the accounts of what was executed, by the books" },
    { path: "src/operator", knows: "an operator's session, and the audit entries of what is done in it" },
  ],
  [{ path: "src/reading", knows: "events as a program reads them: what each record is, subscriptions" }],
  [
    { path: "src/metrics", knows: "what is measured, and where it is asked over HTTP", alone: ["prom-client"] },
    { path: "consumers", knows: "one declaration a topic" },
    { path: "src/dead-letter", knows: "redrive and discard" },
    {
      path: "src/verify",
      knows: "what has to hold in a database, and between two",
      parts: [
        { name: "rows", knows: "the rows that differ, named by what the log says" },
        { name: "topics", knows: "what landed, held against the topics" },
        { name: ".", knows: "problems, chain, sums and comparisons" },
      ],
    },
    { path: "src/stack", knows: "the local PostgreSQL, Kafka and registry" },
    { path: "src/stream", knows: "running a program that reads topics and publishes what follows" },
  ],
  [
    { path: "producers", knows: "one file a kind: how files of it are read, and the program that makes it" },
    { path: "src/replay", knows: "filling a database from the topics" },
    { path: "src/retention", knows: "dropping days" },
    { path: "src/rewind", knows: "logs that aren't the ones that landed, and going back to where they are" },
    { path: "src/tradetape", knows: "what a program imports" },
  ],
  [
    { path: "src/session", knows: "beginning, ending and removing sessions" },
    {
      path: "src/console",
      knows:
        "the page that shows the pipeline and what landed, and acts on letters: its server, who may ask it, its files",
      alone: ["hono", "@hono/node-server"],
    },
  ],
  [
    {
      path: "src/cli",
      knows: "commands, flags, output",
      alone: ["commander", "cli-table3", "cli-progress"],
      parts: [
        { name: ".", knows: "what a command is; flags, output, progress, interrupts" },
        { name: "flow", knows: "publish, consume, status" },
        { name: "programs", knows: "run: the reference agent's programs, and one's own" },
        { name: "feeds", knows: "feeds list, sniff and status" },
        { name: "letters", knows: "dead-letters, parked" },
        { name: "sessions", knows: "sessions, trace" },
        { name: "desk", knows: "desk, score" },
        { name: "audit", knows: "audit" },
        { name: "rebuild", knows: "replay, rewind, verify, partitions" },
        { name: "stack", knows: "up, down, migrate, topics" },
        { name: "look", knows: "tail, doctor, console" },
        { name: "demo", knows: "demo" },
        { name: "mcp", knows: "mcp", alone: ["@modelcontextprotocol/sdk"] },
        { name: "program", knows: "the list of commands" },
        { name: "main", knows: "the entry" },
      ],
    },
  ],
];

/** Where a file stands: its room, the room's layer, and the number of its part within the room. */
export interface Standing {
  readonly room: Room;
  readonly layer: number;
  /** -1 is a folder that the room doesn't declare. */
  readonly part: number;
}

/** @param path of a source, from the root. @returns undefined for a file in no declared room */
export function standingOf(path: string): Standing | undefined {
  const bare = path.replace(/\.ts$/, "");
  for (const [layer, rooms] of LAYERS.entries()) {
    const room = rooms.find((r) => bare === r.path || bare.startsWith(`${r.path}/`));
    if (room) return { room, layer, part: partOf(room, bare.slice(room.path.length + 1)) };
  }
  return undefined;
}

function partOf({ parts }: Room, within: string): number {
  const names = parts?.map(({ name }) => name) ?? ["."];
  const [folder = "", ...rest] = within.split("/");
  const named = names.indexOf(folder);
  return named !== -1 || rest.length > 0 ? named : names.indexOf(".");
}

/** @returns whether a file that stands at `from` may import one that stands at `to` */
export const mayImport = (from: Standing, to: Standing): boolean =>
  from.room === to.room ? to.part <= from.part : to.layer < from.layer;

/** The table of ARCHITECTURE.md: a row a room, with its layer, the lowest being 1, and its parts in their order. */
export function roomsTable(): string {
  const row = ({ path, knows, alone = [], parts = [] }: Room, layer: number): string => {
    const inside = parts.map(({ name, knows: known }) => `${name === "." ? "top level" : `\`${name}\``}: ${known}`);
    const packages = new Set([...alone, ...parts.flatMap((part) => part.alone ?? [])]);
    return `| ${layer} | \`${path}\` | ${[knows, ...inside].join("<br>")} | ${[...packages].join(", ")} |`;
  };
  const head = ["| layer | room | what it is about | packages only it may import |", "|---|---|---|---|"];
  return [...head, ...LAYERS.flatMap((rooms, n) => rooms.map((room) => row(room, n + 1)))].join("\n");
}
