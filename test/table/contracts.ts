/** What an older program may not survive, by the words of the statement. What a file makes itself it may shape as it likes. */
const TAKING: readonly (readonly [what: string, says: RegExp])[] = [
  ["drops something", /\bDROP\s+(?!NOT\s+NULL|DEFAULT\s+FOR)/i],
  ["renames something", /\bRENAME\s+(TO|COLUMN|CONSTRAINT|VALUE)?\b/i],
  ["changes a type", /\bALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE\b/i],
  ["takes nulls", /\bSET\s+NOT\s+NULL\b/i],
  ["takes rights", /^\s*REVOKE\b(?!.*\bON\s+FUNCTION\b.*\bFROM\s+PUBLIC\s*$)/is],
];
const CHECKING =
  /\bADD\s+(CONSTRAINT|CHECK|UNIQUE|PRIMARY\s+KEY|FOREIGN\s+KEY|EXCLUDE)\b|\bADD\s+COLUMN\b[^,]*\b(CHECK|UNIQUE|REFERENCES)\b/i;
const UNFILLED = /\bADD\s+COLUMN\b(?=[^,]*\bNOT\s+NULL\b)(?![^,]*\b(DEFAULT|GENERATED)\b)/i;
const TABLE =
  /\b(?:ALTER\s+TABLE(?:\s+IF\s+EXISTS)?(?:\s+ONLY)?|CREATE\s+UNIQUE\s+INDEX\s.*?\sON(?:\s+ONLY)?)\s+([\w.]+)/is;

/** Why an older program may fail once a migration is applied: each statement that takes, changes or forbids something. */
export function contractions(sql: string): readonly string[] {
  const text = sql
    // What a DO block does is done at once; what a function has within it is not.
    .replaceAll(/\bDO\s+\$(\w*)\$(.*?)\$\1\$/gis, "$2")
    .replaceAll(/\$(\w*)\$.*?\$\1\$/gs, "''")
    .replaceAll(/--.*/g, "")
    .replaceAll(/'(?:[^']|'')*'/g, "''")
    // So that a comma is one between a statement's actions.
    .replaceAll(/\(\s*\d+(\s*,\s*\d+)?\s*\)/g, "");
  const made = new Set([...text.matchAll(/\bCREATE\s+TABLE\s+([\w.]+)/gi)].map(([, name]) => name));
  return text.split(";").flatMap((statement) => {
    const table = TABLE.exec(statement)?.[1];
    if (table !== undefined && made.has(table)) return [];
    const taken = TAKING.filter(([, says]) => says.test(statement)).map(([what]) => what);
    if (CHECKING.test(statement)) taken.push("checks more of an existing table");
    if (UNFILLED.test(statement)) taken.push("adds a column that has to be given");
    if (table !== undefined && /\bUNIQUE\s+INDEX\b/i.test(statement)) taken.push("checks more of an existing table");
    return taken;
  });
}
