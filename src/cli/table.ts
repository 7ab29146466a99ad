/** Rows as lines, columns as wide as their widest cell; `right` names columns of numbers. The last is never padded. */
export const formatTable = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): readonly string[] => {
  const all = [header, ...rows]
  const widths = header.map((_, column) =>
    all.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0),
  )
  const pad = (cell: string, column: number): string => {
    if (right.includes(column)) return cell.padStart(widths[column]!)
    return column === header.length - 1 ? cell : cell.padEnd(widths[column]!)
  }
  return all.map(row => row.map(pad).join('   ').trimEnd())
}
