// Made from src/settings.ts by `npm run generate`; change that.

/** As a value or as the text that the environment would hold; a list as an array or with commas. */
type SettingValue = string | number | boolean | readonly string[] | undefined;

/** Settings, as `tradetape config` has them. What isn't given comes from the environment, then from the defaults. */
export interface ConnectOptions {
  /** DATABASE_URL: PostgreSQL 15 or later, as postgres://user:password@host:port/database. Of several hosts, host:port,host:port, ?target_session_attrs=read-write takes the one that takes writes. sslmode, sslrootcert, sslcert, sslkey and channel_binding mean what they mean to libpq, and so do PGSSLMODE and its like. */
  readonly databaseUrl?: SettingValue;
  /** DATABASE_READ_URL: Where commands that only read ask the database, as a hot standby of DATABASE_URL's; unset is DATABASE_URL. */
  readonly databaseReadUrl?: SettingValue;
  /** KAFKA_BROKERS: Kafka brokers, host:port, separated by commas. */
  readonly kafkaBrokers?: SettingValue;
  /** KAFKA_SASL_MECHANISM: plain, scram-sha-256, scram-sha-512 or oauthbearer; unset is no SASL. */
  readonly kafkaSaslMechanism?: SettingValue;
  /** KAFKA_SASL_USERNAME: SASL user. */
  readonly kafkaSaslUsername?: SettingValue;
  /** KAFKA_SASL_PASSWORD: SASL password. */
  readonly kafkaSaslPassword?: SettingValue;
  /** KAFKA_OAUTH_TOKEN_URL: The token endpoint of an OIDC provider: it gives the client the tokens to log in to Kafka by. */
  readonly kafkaOauthTokenUrl?: SettingValue;
  /** KAFKA_OAUTH_CLIENT_ID: The client's name there. */
  readonly kafkaOauthClientId?: SettingValue;
  /** KAFKA_OAUTH_CLIENT_SECRET: The client's secret there. */
  readonly kafkaOauthClientSecret?: SettingValue;
  /** KAFKA_OAUTH_SCOPE: Scopes to ask for, separated by spaces. */
  readonly kafkaOauthScope?: SettingValue;
  /** KAFKA_OAUTH_PARAMETERS: What else the provider wants to be told, as audience=tape&resource=a%26b. */
  readonly kafkaOauthParameters?: SettingValue;
  /** KAFKA_OAUTH_CA_FILE: PEM file of the authority that signed the endpoint's certificate; unset, those are trusted that this machine trusts. */
  readonly kafkaOauthCaFile?: SettingValue;
  /** KAFKA_OAUTH_TOKEN: A token as such, in the place of an endpoint that gives them. */
  readonly kafkaOauthToken?: SettingValue;
  /** KAFKA_OAUTH_MODULE: File of a JavaScript module, in the place of an endpoint: its default export is a function, async or not, that returns a token for a login that begins now. */
  readonly kafkaOauthModule?: SettingValue;
  /** KAFKA_OAUTH_EXTENSIONS: SASL extensions that go along with a token, as logicalCluster=lkc-1,identityPoolId=pool-1. */
  readonly kafkaOauthExtensions?: SettingValue;
  /** KAFKA_SSL_ENABLED: Whether to use TLS to the brokers. */
  readonly kafkaSsl?: SettingValue;
  /** KAFKA_SSL_CA_FILE: PEM file of the authority that signed the brokers' certificates. */
  readonly kafkaSslCaFile?: SettingValue;
  /** KAFKA_SSL_CERT_FILE: PEM file of the client's certificate. */
  readonly kafkaSslCertFile?: SettingValue;
  /** KAFKA_SSL_KEY_FILE: PEM file of the client's key, which only the user of the program may read. */
  readonly kafkaSslKeyFile?: SettingValue;
  /** KAFKA_SSL_KEY_PASSPHRASE: The passphrase of that key, where it is encrypted. */
  readonly kafkaSslKeyPassphrase?: SettingValue;
  /** SCHEMA_REGISTRY_URL: A registry with the Confluent API; user and password may stand in the URL. */
  readonly schemaRegistryUrl?: SettingValue;
  /** SCHEMA_REGISTRY_TOKEN: A bearer token for the registry, in the place of a user and a password. */
  readonly schemaRegistryToken?: SettingValue;
  /** SCHEMA_REGISTRY_OAUTH_TOKEN_URL: The token endpoint of an OIDC provider: it gives the client the tokens to log in to the registry by. */
  readonly schemaRegistryOauthTokenUrl?: SettingValue;
  /** SCHEMA_REGISTRY_OAUTH_CLIENT_ID: The client's name there. */
  readonly schemaRegistryOauthClientId?: SettingValue;
  /** SCHEMA_REGISTRY_OAUTH_CLIENT_SECRET: The client's secret there. */
  readonly schemaRegistryOauthClientSecret?: SettingValue;
  /** SCHEMA_REGISTRY_OAUTH_SCOPE: Scopes to ask for, separated by spaces. */
  readonly schemaRegistryOauthScope?: SettingValue;
  /** SCHEMA_REGISTRY_OAUTH_PARAMETERS: What else the provider wants to be told, as audience=tape&resource=a%26b. */
  readonly schemaRegistryOauthParameters?: SettingValue;
  /** SCHEMA_REGISTRY_OAUTH_CA_FILE: PEM file of the authority that signed the endpoint's certificate; unset, those are trusted that this machine trusts. */
  readonly schemaRegistryOauthCaFile?: SettingValue;
  /** SCHEMA_REGISTRY_CA_FILE: PEM file of the authority that signed the registry's certificate; unset, those are trusted that this machine trusts. */
  readonly schemaRegistryCaFile?: SettingValue;
  /** SCHEMA_REGISTRY_CERT_FILE: PEM file of the client's certificate. */
  readonly schemaRegistryCertFile?: SettingValue;
  /** SCHEMA_REGISTRY_KEY_FILE: PEM file of the client's key, which only the user of the program may read. */
  readonly schemaRegistryKeyFile?: SettingValue;
  /** SCHEMA_REGISTRY_KEY_PASSPHRASE: The passphrase of that key, where it is encrypted. */
  readonly schemaRegistryKeyPassphrase?: SettingValue;
  /** TRADETAPE_ALLOW_PLAINTEXT: Whether a login, and what follows it, may go in clear to a host that isn't this machine: to PostgreSQL without TLS, by SASL without KAFKA_SSL_ENABLED, to a registry or a token endpoint by plain HTTP. */
  readonly allowPlaintext?: SettingValue;
  /** TRADETAPE_NAMESPACE: Prefix of every topic, as in paper.ticks. */
  readonly namespace?: SettingValue;
  /** TRADETAPE_ROLE_PREFIX: Prefix of the PostgreSQL roles, as in paper_tradetape_lander: databases of one server share their roles unless they have prefixes of their own. It is set before the first `migrate`; a URL's role_prefix beats it. */
  readonly rolePrefix?: SettingValue;
  /** TRADETAPE_AUDIT_SIGN_FILE: PEM file of the Ed25519 key that signs this process's audit entries, which only its user may read; unset signs none. */
  readonly auditSignFile?: SettingValue;
  /** TRADETAPE_AUDIT_KEYS_FILE: File of the keys that audit entries may be signed by, a line each: a name, the public key, and the actors it may speak for. What is signed otherwise becomes a letter `wrong_signature`; unset looks at no signature. */
  readonly auditKeysFile?: SettingValue;
  /** TRADETAPE_HOME: Folder of the local stack's data (root: /var/lib/tradetape). */
  readonly home?: SettingValue;
  /** TRADETAPE_LOG_LEVEL: Log lines go to standard error, as JSON; as text on a terminal. */
  readonly logLevel?: SettingValue;
  /** TRADETAPE_EVENT_BYTES_MAX: A larger event becomes a letter `too_large`. In bytes. */
  readonly eventBytesMax?: SettingValue;
  /** TRADETAPE_EARLY_1970: Times in the first quarter of 1970, where seconds and milliseconds taken for microseconds lie. `refuse`: neither published nor landed, but letters `time_unit`. `allow`: such history is meant. */
  readonly early1970?: SettingValue;
  /** TRADETAPE_PUBLISH_LINGER_MS: How long a publisher waits for more events before it sends. In ms. */
  readonly publishLingerMs?: SettingValue;
  /** TRADETAPE_PUBLISH_BATCH_BYTES_MAX: A produce request to one partition holds at most this much. In bytes. */
  readonly publishBatchBytesMax?: SettingValue;
  /** TRADETAPE_PUBLISH_BUFFER_BYTES_MAX: Events admitted and not yet acknowledged; beyond it, `publish` waits. In bytes. */
  readonly publishBufferBytesMax?: SettingValue;
  /** TRADETAPE_TOPIC_RETENTION_HOURS: How long the topics `ticks` and `quotes` keep events, where the topics file says nothing; -1 is for ever. In hours. */
  readonly topicRetentionHours?: SettingValue;
  /** TRADETAPE_AGENT_RETENTION_HOURS: How long `bars`, `indicators`, `predictions`, `decisions`, `fills` and `performance` keep events; -1 is for ever. A program refuses to run on what is left of a log, unless it has a snapshot of its state. In hours. */
  readonly agentRetentionHours?: SettingValue;
  /** TRADETAPE_TOPICS_FILE: File of the topics' partitions, replicas and retention, YAML or JSON, as docs/kafka.md has it; unset is the defaults. */
  readonly topicsFile?: SettingValue;
  /** TRADETAPE_FETCH_PARTITION_BYTES_MAX: One fetch brings at most this much of one partition: the size of a landing transaction, or of a program's turn. In bytes. */
  readonly fetchPartitionBytesMax?: SettingValue;
  /** TRADETAPE_LANDING_BUFFER_BYTES_MAX: Fetched and not yet committed, per consumer group; beyond it, fetching waits. In bytes. */
  readonly landingBufferBytesMax?: SettingValue;
  /** TRADETAPE_LANDING_CONNECTIONS: So many partitions of a big topic land at the same time, each in a PostgreSQL session, besides the small batches, which land together in one; of small topics it is one. */
  readonly landingConnections?: SettingValue;
  /** TRADETAPE_DATABASE_SESSIONS_MAX: PostgreSQL sessions of a process that consumes, whichever topics; a replay has one more. Four are for questions, new days, the outbox and locks, the topics share the others to land. */
  readonly databaseSessionsMax?: SettingValue;
  /** TRADETAPE_LOCK_TIMEOUT_MS: How long a landing waits for a lock before it lets go and tries again. In ms. */
  readonly lockTimeoutMs?: SettingValue;
  /** TRADETAPE_SESSION_TIMEOUT_MS: A consumer that Kafka hasn't heard of for this long loses its partitions. In ms. */
  readonly sessionTimeoutMs?: SettingValue;
  /** TRADETAPE_SWEEP_INTERVAL_MS: How often parked events are looked at that nobody has told of: for being overdue, above all. In ms. */
  readonly sweepIntervalMs?: SettingValue;
  /** TRADETAPE_HISTORY_CHECK_MS: How often a running group compares where it is with where the log begins and ends. In ms. */
  readonly historyCheckMs?: SettingValue;
  /** TRADETAPE_COMPACTED_TOPICS: `land`: a topic that somebody compacted lands, what compaction removed counts as holes. `refuse`: nothing starts. */
  readonly compactedTopics?: SettingValue;
  /** TRADETAPE_SESSION_KINDS: Events of these kinds of sessions land, the others are counted as `filtered`; events of no session are live. */
  readonly sessionKinds?: SettingValue;
  /** TRADETAPE_ADMITTED_SUBJECTS: Subjects of the registry whose schemas events may be written with, beside those of their topic and of their record's name: names separated by commas, for one topic as ticks=vendor-*, where * stands for anything; * alone admits all. */
  readonly admittedSubjects?: SettingValue;
  /** TRADETAPE_RULES_OFF: Rules that are not asked, for feeds that are known to break them, separated by commas; `verify` lists what landed all the same. docs/rules.md has them. */
  readonly rulesOff?: SettingValue;
  /** TRADETAPE_PARK_DEADLINE_MS: How long an event waits for its parents before it may become a letter `missing_parent`. In ms. */
  readonly parkDeadlineMs?: SettingValue;
  /** TRADETAPE_PARKED_EVENTS_MAX: Parked events of one partition; over it, the partition waits. */
  readonly parkedEventsMax?: SettingValue;
  /** TRADETAPE_LETTER_SHARE_MAX: A group stops when more of its last 10,000 events than this, and 1,000 at least, are letters; 1 is never. */
  readonly letterShareMax?: SettingValue;
  /** TRADETAPE_REDRIVE_ATTEMPTS_MAX: An event that has been redriven this often is left alone, unless `--again` is given. */
  readonly redriveAttemptsMax?: SettingValue;
  /** TRADETAPE_NEW_DAYS_PER_BATCH_MAX: A batch is cut before the row that needs one more new day partition than this. */
  readonly newDaysPerBatchMax?: SettingValue;
  /** TRADETAPE_DAYS_AHEAD: A day's first events make the partitions of so many days behind it, too, unless the day is over. In days. */
  readonly daysAhead?: SettingValue;
}
