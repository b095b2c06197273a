/** What a program needs to find its libraries, its folders and its language. */
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "JAVA_HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/**
 * Nothing else of the environment: PGDATESTYLE, QUARKUS_DATASOURCE_JDBC_URL or JAVA_TOOL_OPTIONS are meant for somebody
 * else's programs, and PostgreSQL and the registry would heed them.
 */
export const stackEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
