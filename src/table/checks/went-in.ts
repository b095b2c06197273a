import { jsonFormOrText } from "../rows/json-form.ts";
import { contentColumns, type LandingTable, landingColumns } from "../rows/landing-table.ts";
import { fieldsOfRow, type PickedRow } from "../rows/row-picker.ts";

/** Gives the values of a row by column, in a form in which equal values are equal. */
export function formsOf(landing: LandingTable): (row: PickedRow) => (string | null)[] {
  const isJson = landingColumns(landing).map(({ fits }) => fits.jsonb !== undefined);
  return ({ row }) =>
    fieldsOfRow(row).map((field, column) => {
      if (field === null || !isJson[column]) return field?.toString("latin1") ?? null;
      // Behind a byte that says which version of jsonb's text it is.
      return jsonFormOrText(field.toString("utf8", 1));
    });
}

/**
 * Finds which events of one id put a row into the table or its revisions: the first, or where the greatest revision stays
 * each that said other than what stood (`supersede`).
 * @returns a function of an id's events, in the order in which they landed
 */
export function wentInOf<R extends PickedRow>(landing: LandingTable): (events: readonly R[]) => readonly R[] {
  if (landing.repeats === "first") return ([first]) => (first === undefined ? [] : [first]);
  const names = landingColumns(landing).map(({ name }) => name);
  const content = contentColumns(landing).map((name) => names.indexOf(name));
  const revisedAt = names.indexOf("revised_at");
  const forms = formsOf(landing);
  return (events) => {
    const went: R[] = [];
    let standing: string | undefined;
    let newest = 0n;
    for (const event of events) {
      const revision = fieldsOfRow(event.row)[revisedAt]!.readBigInt64BE();
      if (standing !== undefined && revision < newest) continue;
      newest = revision;
      const values = forms(event);
      const said = JSON.stringify(content.map((column) => values[column]));
      if (said !== standing) went.push(event);
      standing = said;
    }
    return went;
  };
}
