/**
 * The file form of a Toc (README.md of this folder): a header, a JSON directory of columns, the columns
 * themselves at multiples of 8, the arena, a CRC-32 of all before it. Reading makes views, no copies.
 */
import { crc32 } from 'node:zlib'
import { LadingError } from '../spec/errors.js'
import { type ColumnName, type Columns, columns, entryTypes, Toc } from './toc.js'

const magic = 'lading-toc 1\n'

interface Directory {
  readonly size: number
  readonly entries: number
  readonly arena: readonly [offset: number, length: number]
  /** Offset of each column from the start of the file. */
  readonly columns: Readonly<Record<string, number>>
}

const align = (offset: number): number => Math.ceil(offset / 8) * 8
const fixed = 24

export const encodeToc = (toc: Toc): Buffer => {
  // Offsets are counted from behind the directory, whose length depends on them.
  let end = 0
  const offsets: Record<string, number> = {}
  for (const name of Object.keys(columns) as ColumnName[]) {
    offsets[name] = end
    end = align(end + toc.columns[name].byteLength)
  }
  const directory = Buffer.from(
    JSON.stringify({
      size: toc.size,
      entries: toc.length,
      columns: offsets,
      arena: [end, toc.arena.length],
    } satisfies Directory),
  )
  const base = align(fixed + directory.length)
  const file = Buffer.alloc(align(base + end + toc.arena.length) + 4)
  file.write(magic, 0, 'latin1')
  file.writeUInt32LE(directory.length, 16)
  file.writeUInt32LE(base, 20)
  directory.copy(file, fixed)
  for (const name of Object.keys(columns) as ColumnName[]) {
    const column = toc.columns[name]
    file.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), base + offsets[name]!)
  }
  toc.arena.copy(file, base + end)
  file.writeUInt32LE(crc32(file.subarray(0, -4)), file.length - 4)
  return file
}

/** Throws STORE_CORRUPT: the caller makes the Toc anew from the layer. `what` is for messages. */
export const decodeToc = (bytes: Uint8Array, what: string): Toc => {
  // Views need their bytes at a multiple of 8, which a pooled buffer does not promise.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes)
  try {
    return decode(Buffer.from(aligned.buffer, aligned.byteOffset, aligned.byteLength))
  } catch (cause) {
    throw new LadingError(
      'STORE_CORRUPT',
      `Cannot use the table of contents of ${what}: ${(cause as Error).message}`,
      { cause },
    )
  }
}

const decode = (file: Buffer): Toc => {
  const found = file.toString('latin1', 0, magic.length)
  if (found !== magic) throw new Error(`found ${JSON.stringify(found)}, wanted ${JSON.stringify(magic)}`)
  const sum = crc32(file.subarray(0, -4))
  if (sum !== file.readUInt32LE(file.length - 4)) throw new Error('its checksum is wrong')
  const directory = JSON.parse(file.toString('utf8', fixed, fixed + file.readUInt32LE(16))) as Directory
  const base = file.readUInt32LE(20)
  const views = Object.fromEntries(
    Object.entries(columns).map(([name, Column]) => {
      const offset = directory.columns[name]
      if (offset === undefined) throw new Error(`the column ${name} is missing`)
      return [
        name,
        new Column(file.buffer as ArrayBuffer, file.byteOffset + base + offset, directory.entries),
      ]
    }),
  ) as unknown as Columns
  if (views.type.some(type => type >= entryTypes.length)) throw new Error('an entry is of no known type')
  const [offset, length] = directory.arena
  return new Toc(directory.size, views, file.subarray(base + offset, base + offset + length))
}
