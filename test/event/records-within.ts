/**
 * Records of which each has the next one several times: few characters, and times^levels types.
 * @param innermost the type of the last record's fields
 */
export function recordsWithin(levels: number, times = 2, innermost: unknown = "int"): object {
  let inner = innermost;
  for (let level = levels; level > 0; level--) {
    const name = `level_${level}`;
    const again = level === levels ? innermost : `level_${level + 1}`;
    const fields = Array.from({ length: times }, (_, n) => ({ name: `f${n}`, type: n === 0 ? inner : again }));
    inner = { type: "record", name, fields };
  }
  return inner as object;
}
