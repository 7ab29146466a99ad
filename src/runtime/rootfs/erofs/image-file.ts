/**
 * The file of an EROFS image. In the 1024 bytes that EROFS leaves free stands what lading knows of it, as one line
 * of JSON behind a mark: with it a file that was kept is known to be whole, and need not be read to say what the
 * root folder is like.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { RootAttributes } from '../root-attributes.js'
import { superblockOffset } from './format.js'

export interface ImageNote {
  /** CRC-32 of the metadata behind the note. */
  readonly crc: number
  /** Where the metadata ends, in bytes. */
  readonly length: number
  /** Absent where it would take too much room. */
  readonly root?: RootAttributes
}

const mark = 'lading erofs 1 '

/** Put the note into the image's free beginning. */
export const addNote = (metadata: Buffer, root: RootAttributes): void => {
  const note: ImageNote = { crc: crc32(metadata.subarray(superblockOffset)), length: metadata.length }
  const text = (note: ImageNote) => Buffer.from(`${mark}${JSON.stringify(note)}\n`)
  const whole = text({ ...note, root })
  ;(whole.length <= superblockOffset ? whole : text(note)).copy(metadata)
}

/** The note of the image at `path`; undefined unless its metadata is whole. Carried contents are not read. */
export const checkedNote = async (path: string): Promise<ImageNote | undefined> => {
  const handle = await open(path, 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    const note = readNote(await readStart(handle, superblockOffset))
    if (note === undefined) return undefined
    const metadata = await readStart(handle, note.length)
    const isWhole = metadata.length === note.length && crc32(metadata.subarray(superblockOffset)) === note.crc
    return isWhole ? note : undefined
  } finally {
    await handle.close()
  }
}

const readNote = (head: Buffer): ImageNote | undefined => {
  const [, text] = /^lading erofs 1 (\{.*\})\n/.exec(head.toString('latin1')) ?? []
  if (text === undefined) return undefined
  try {
    const note = JSON.parse(text) as ImageNote
    return Number.isSafeInteger(note.length) ? note : undefined
  } catch {
    return undefined
  }
}

/** The first `length` bytes, fewer where the file is shorter. */
const readStart = async (handle: FileHandle, length: number): Promise<Buffer> => {
  const { size } = await handle.stat()
  const buffer = Buffer.alloc(Math.min(length, size))
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
  return buffer.subarray(0, bytesRead)
}
