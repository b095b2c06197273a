import { namedBy, ROLES } from "../settings/role-names.ts";
import { establishedBy, type Fact, type FactKind } from "./established.ts";
import { literal } from "./sql.ts";

/** Something that a migration made and that is lost, with the statement that makes it again. */
export interface Lost {
  readonly what: "role" | "right" | "owner" | "setting" | "comment";
  /** What kind of thing lost it. */
  readonly kind: FactKind;
  /** The thing and how it differs, as a sentence without its full stop. */
  readonly says: string;
  readonly sql: string;
  /** Who has to run it: who logs in, or the tables' owner. */
  readonly by: "login" | "owner";
  /** Whose it is now, where it is to be the owner's. */
  readonly from?: string;
  /** The role that isn't there. */
  readonly role?: string;
}

/** How a database differs from what the migrations established. */
interface Differences {
  /** In the order in which the statements have to run. */
  readonly lost: readonly Lost[];
  /** What is gone or became something else: what it held, or should hold, nothing here tells. */
  readonly gone: readonly string[];
  /** What differs and stops nothing, as a role with more rights. */
  readonly left: readonly string[];
}

/** The owner has to be there, and may have to have a place, before anything belongs to it. */
const ORDER: readonly FactKind[] = ["role", "database", "schema", "relation", "function"];

const keyOf = ({ kind, name }: Fact): string => `${kind} ${name}`;

/**
 * @param live what `readFacts` found
 * @param database the database's name
 * @param isOlder whether migrations are still to come, which may make what isn't there
 */
export function driftOf(live: readonly Fact[], database: string, isOlder: boolean, rolePrefix: string): Differences {
  const established = establishedBy(rolePrefix);
  const there = new Map(live.map((one) => [keyOf(one), one]));
  const differs = established.filter((one) => one.kind !== "role" && there.get(keyOf(one))?.is !== one.is);
  // A relation without its own columns, or a function with another body, is somebody else's by the same name: nothing of it is
  // touched.
  const isForeign = ({ kind }: Fact) => kind === "relation" || kind === "column" || kind === "function";
  const foreign = new Set(differs.filter(isForeign).map((one) => one.of ?? one.name));
  const absent = new Set(differs.flatMap((one) => (one.kind === "relation" && !there.has(keyOf(one)) ? one.name : [])));
  const told = differs.filter((one) => one.of === null || !absent.has(one.of));
  const isSlower = ({ kind, is }: Fact) => kind === "index" && !is.startsWith("CREATE UNIQUE");
  const roles = ROLES.map((role) => namedBy(rolePrefix, role));
  const pairs = established
    .toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))
    .flatMap((wanted) => {
      const found = there.get(keyOf(wanted));
      const isSkipped = found === undefined || (!isOlder && foreign.has(wanted.of ?? wanted.name));
      return isSkipped ? [] : [{ wanted, found, target: targetOf(wanted, database), roles }];
    });
  const absentRoles = established.filter((one) => one.kind === "role" && !there.has(keyOf(one))).map(lostRole);
  const rights = pairs.flatMap(rightsLost);
  return {
    lost: [
      ...absentRoles,
      ...rights.filter(({ by }) => by === "login"),
      ...pairs.flatMap(ownerLost),
      ...rights.filter(({ by }) => by === "owner"),
      ...pairs.flatMap(settingsLost),
      ...pairs.flatMap(commentLost),
    ],
    gone: isOlder ? [] : told.filter((one) => !isSlower(one)).map((one) => wrongText(one, there.get(keyOf(one)))),
    left: [
      ...(isOlder ? [] : told.filter(isSlower).map((one) => `index ${one.name} isn't as it was made: ${one.is}`)),
      ...pairs.flatMap(moreThan),
    ],
  };
}

const wrongText = ({ kind, name, is }: Fact, found: Fact | undefined): string =>
  found ? `${kind} ${name} is ${found.is}, not ${is}` : `${kind} ${name} isn't there`;

const lostRole = ({ name }: Fact): Lost => ({
  what: "role",
  kind: "role",
  says: `role ${name} isn't there`,
  sql: `CREATE ROLE ${name} NOLOGIN`,
  by: "login",
  role: name,
});

interface Pair {
  readonly wanted: Fact;
  readonly found: Fact;
  /** The words that a statement names the thing by. */
  readonly target: string;
  /** As the database calls them, the owner first. */
  readonly roles: readonly string[];
}

function targetOf({ kind, name, is }: Fact, database: string): string {
  if (kind === "database") return `DATABASE ${database}`;
  if (kind === "relation") return is.startsWith("view") ? `VIEW ${name}` : `TABLE ${name}`;
  return `${kind.toUpperCase()} ${name}`;
}

const ownerLost = ({ wanted: { kind, name, owner }, found, target }: Pair): Lost[] =>
  owner === null || found.owner === owner ? [] : [givenAway(kind, name, target, { from: found.owner!, owner })];

/** What belongs to somebody else. @param target the words that a statement names it by */
export const givenAway = (
  kind: FactKind,
  name: string,
  target: string,
  { from, owner }: { readonly from: string; readonly owner: string },
): Lost => ({
  what: "owner",
  kind,
  says: `${name} belongs to ${from}, not to ${owner}`,
  sql: `ALTER ${target} OWNER TO ${owner}`,
  by: "login",
  from,
});

/** The rights that a role was given and doesn't have. */
const lacking = (wanted: Fact, found: Fact, role: string): readonly string[] =>
  (wanted.rights?.[role] ?? []).filter((privilege) => !found.rights?.[role]?.includes(privilege));

function rightsLost({ wanted, found, target, roles }: Pair): Lost[] {
  const { kind, name, of, owner } = wanted;
  const by = owner === null && kind !== "column" ? "login" : "owner";
  const on = kind === "column" ? of : target.replace(/^(TABLE|VIEW) /, "");
  const column = kind === "column" ? ` (${name.slice(name.lastIndexOf(".") + 1)})` : "";
  const granted = roles.flatMap((role): Lost[] => {
    const missing = lacking(wanted, found, role);
    if (missing.length === 0) return [];
    const sql = `GRANT ${missing.map((privilege) => privilege + column).join(", ")} ON ${on} TO ${role}`;
    return [{ what: "right", kind, says: `${name}: ${role} lacks ${missing.join(", ")}`, sql, by }];
  });
  if (!found.rights?.public || wanted.rights?.public) return granted;
  const says = `${name}: everybody has ${found.rights.public.join(", ")}`;
  return [{ what: "right", kind, says, sql: `REVOKE ALL ON ${on} FROM PUBLIC`, by }, ...granted];
}

function settingsLost({ wanted: { kind, name, settings }, found }: Pair): Lost[] {
  if (settings === null || settings === found.settings) return [];
  const says = `${name} runs as ${found.settings}, not as ${settings}`;
  const sql = `ALTER FUNCTION ${name} RESET ALL; ALTER FUNCTION ${name} ${settings}`;
  return [{ what: "setting", kind, says, sql, by: "owner" }];
}

function commentLost({ wanted, found, target }: Pair): Lost[] {
  if (wanted.comment === null || found.comment !== null) return [];
  const sql = `COMMENT ON ${target} IS ${literal(wanted.comment)}`;
  return [{ what: "comment", kind: wanted.kind, says: `${wanted.name} has no comment`, sql, by: "owner" }];
}

function moreThan({ wanted, found, roles: [, ...others] }: Pair): string[] {
  const isOther = wanted.comment !== null && found.comment !== null && wanted.comment !== found.comment;
  const more = others.flatMap((role) => {
    const extra = (found.rights?.[role] ?? []).filter((one) => !wanted.rights?.[role]?.includes(one));
    return extra.length === 0 ? [] : [`${wanted.name}: ${role} has ${extra.join(", ")}, which no migration gave`];
  });
  return isOther ? [...more, `${wanted.name} has another comment`] : more;
}
