/** Variables that are read no longer, and what has taken their place: a value that nobody heeds would be worse than a stop. */
export const RETIRED: Readonly<Record<string, string>> = {
  TRADETAPE_TICK_DAYS_AHEAD: "TRADETAPE_DAYS_AHEAD",
  TRADETAPE_TICK_RETENTION_DAYS: "`tradetape partitions retain --topic ticks --keep-days`",
};

/** Variables of docker-compose.yml, for whoever runs it by hand; tradetape itself reads none of them. */
export const COMPOSE_VARIABLES: readonly string[] = [
  "TRADETAPE_POSTGRES_PASSWORD",
  "TRADETAPE_POSTGRES_PORT",
  "TRADETAPE_KAFKA_PORT",
  "TRADETAPE_REGISTRY_PORT",
  "TRADETAPE_CLUSTER_ID",
];
