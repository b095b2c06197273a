import { describe, expect, it } from "vitest";
import { copyColumn, copyLine, type FaultKind, faultKindOf, isDatabaseFault } from "../../src/table/sqlstate.ts";

const fault = (code: string, more: object = {}) => ({ code, message: "said so", ...more });

describe("what an SQLSTATE means for a landing", () => {
  it.each<[FaultKind, string[]]>([
    ["data", ["22001", "22003", "22007", "22008", "22021", "22P02", "22P05", "22032", "23502", "54000"]],
    ["unique", ["23505"]],
    ["foreign_key", ["23503"]],
    [
      "environment",
      [
        ...["08000", "08003", "08006", "40001", "40P01", "53100", "53200", "53300", "55P03", "55006"],
        ...["57P01", "57P02", "57P03", "57014", "58000", "58030", "42501", "25P03", "57P05", "25006"],
        ...["26000", "42P05"],
      ],
    ],
    ["encoder", ["22P04", "08P01"]],
    ["refused", ["42P01", "42703", "42601", "0A000", "XX000", "25P02"]],
  ])("%s", (kind, codes) => {
    for (const code of codes) expect(faultKindOf(fault(code)), code).toBe(kind);
  });

  it("a CHECK by its name is the data's fault, one without a name is a partition that is missing", () => {
    expect(faultKindOf(fault("23514", { constraint: "volume_not_negative" }))).toBe("data");
    expect(faultKindOf(fault("23514"))).toBe("partition");
  });

  it("only an error with a state and a severity is PostgreSQL's", () => {
    const own = Object.assign(new Error("x"), { code: "23505", severity: "ERROR" });
    expect(isDatabaseFault(own)).toBe(true);
    expect(isDatabaseFault(Object.assign(new Error("x"), { code: "ECONNRESET" }))).toBe(false);
    expect(isDatabaseFault(new Error("x"))).toBe(false);
    expect(isDatabaseFault(undefined)).toBe(false);
  });
});

describe("the row that a COPY's error names", () => {
  const line = (where: string, relation = "stage_symbol") => copyLine(fault("22P02", { where }), relation);

  it("is the number behind the relation's own name", () => {
    expect(line("COPY stage_symbol, line 17, column ticker")).toBe(17);
    expect(line("COPY stage_symbol, line 4000")).toBe(4000);
  });

  it("is not the line inside a JSON document, which is told before it", () => {
    expect(line('JSON data, line 3: {"a": }\nCOPY stage_symbol, line 12, column config: "{"')).toBe(12);
  });

  it("is unknown when the context speaks of another relation, of none, or of no number", () => {
    expect(line("COPY stage_symbols, line 17")).toBeUndefined();
    expect(line("PL/pgSQL function f() line 3 at RAISE")).toBeUndefined();
    expect(line("COPY stage_symbol, line x")).toBeUndefined();
    expect(line("COPY stage_symbol, line 0")).toBeUndefined();
    expect(copyLine(fault("22P02"), "stage_symbol")).toBeUndefined();
  });
});

describe("the column that a COPY's error names", () => {
  const column = (where: string, more: object = {}) => copyColumn(fault("22P02", { where, ...more }));

  it("stands behind the line, with or without a value", () => {
    expect(column("COPY t, line 1, column config")).toBe("config");
    expect(column('JSON data, line 1: x\nCOPY t, line 1, column config: "a, column b"')).toBe("config");
  });

  it("is the error's own field where it has one, and else nothing", () => {
    expect(column("COPY t, line 1", { column: "source" })).toBe("source");
    expect(column("COPY t, line 1")).toBeUndefined();
    expect(column("somewhere else, column x")).toBeUndefined();
  });
});
