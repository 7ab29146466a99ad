import { blockSize } from './format.js'

export interface DirectoryEntry {
  /** Latin1, one character a byte. */
  readonly name: string
  readonly nid: number
  /** FT_* of the kernel. */
  readonly type: number
}

const entrySize = 12

/**
 * A directory's length in bytes. Its names, `.` and `..` among them, are in byte order over blocks that each
 * stand for themselves: the entries, then their names. A name does not go over the end of a block.
 */
export const directorySize = (names: readonly string[]): number => {
  let blocks = 0
  let used = 0
  for (const name of names) {
    const needed = entrySize + name.length
    if (used + needed > blockSize) {
      blocks++
      used = 0
    }
    used += needed
  }
  return blocks * blockSize + used
}

/**
 * Write what directorySize has measured at `at`, the beginning of a block unless all of it is inside of one, into
 * zeros; `words` are those of the image.
 */
export const writeDirectory = (
  image: Buffer,
  words: Uint32Array,
  at: number,
  entries: readonly DirectoryEntry[],
): void => {
  for (let first = 0, block = at; first < entries.length; block += blockSize) {
    let end = first
    for (let used = 0; end < entries.length; end++) {
      used += entrySize + entries[end]!.name.length
      if (used > blockSize) break
    }
    let nameAt = (end - first) * entrySize
    for (let index = first; index < end; index++) {
      const { name, nid, type } = entries[index]!
      const word = (block + (index - first) * entrySize) / 4
      words[word] = nid
      words[word + 1] = nid / 2 ** 32
      words[word + 2] = nameAt | (type << 16)
      image.write(name, block + nameAt, 'latin1')
      nameAt += name.length
    }
    first = end
  }
}
