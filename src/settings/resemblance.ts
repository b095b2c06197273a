/** Whether a name is another one cut short at a word, or differs in a letter of four of what comes behind the prefix. */
export const resembles = (name: string, other: string, prefix: string): boolean =>
  other.startsWith(`${name}_`) || editsBetween(name, other) <= Math.ceil((other.length - prefix.length) / 4);

/** The name that most resembles one, by how many letters have to be changed, added or left out. */
export function nearest(name: string, known: readonly string[]): string {
  const far = known.map((other) => ({ other, edits: editsBetween(name, other) }));
  return far.reduce((best, next) => (next.edits < best.edits ? next : best)).other;
}

function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, n) => n);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      next.push(Math.min(row[j]! + (letter === to[j] ? 0 : 1), row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
