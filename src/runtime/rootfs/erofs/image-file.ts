/**
 * The file of an EROFS image. In the 1024 bytes that EROFS leaves free stands what lading knows of it, as one line
 * of JSON behind a mark: with it a file that was kept is known to be whole, and need not be read to say what the
 * root folder is like.
 */
import { closeSync, fstatSync, futimesSync, openSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { piecesOf, readNow } from '../../../bytes/read-now.js'
import { readBootId } from '../../../store/boot-id.js'
import type { RootAttributes } from '../root-attributes.js'
import { superblockOffset } from './format.js'

export interface ImageNote {
  /** CRC-32 of the metadata behind the note. */
  readonly crc: number
  /** Where the metadata ends, in bytes. */
  readonly length: number
  /** The machine's boot in which it was written. */
  readonly boot: string
  /** Absent where it would take too much room. */
  readonly root?: RootAttributes
}

const mark = 'lading erofs 1 '

/** The time that a whole image is given, in seconds since 1970: whoever writes to it gives it another. */
const wholeTime = 1

/** Put the note into the image's free beginning. */
export const addNote = (metadata: Buffer, root: RootAttributes): void => {
  const crc = crc32(metadata.subarray(superblockOffset))
  const note: ImageNote = { crc, length: metadata.length, boot: readBootId() }
  const text = (note: ImageNote) => Buffer.from(`${mark}${JSON.stringify(note)}\n`)
  const whole = text({ ...note, root })
  ;(whole.length <= superblockOffset ? whole : text(note)).copy(metadata)
}

/** All that belongs into it has been written. */
export const sealImage = (fd: number): void => futimesSync(fd, wholeTime, wholeTime)

/**
 * The note of the image at `path`; undefined unless its metadata is whole. Carried contents are not read; nor is the
 * rest, where the machine has been up since it was written and nobody has written to it: it is what it was.
 */
export const checkedNote = (path: string): ImageNote | undefined => {
  const fd = openIfThere(path)
  if (fd === undefined) return undefined
  try {
    const { size, mtimeMs } = fstatSync(fd)
    if (size < superblockOffset) return undefined
    const note = readNote(fd)
    if (note === undefined || note.length > size) return undefined
    const isAsWritten = mtimeMs === 1000 * wholeTime && note.boot === readBootId()
    return isAsWritten || crcOf(fd, note.length) === note.crc ? note : undefined
  } finally {
    closeSync(fd)
  }
}

const openIfThere = (path: string): number | undefined => {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}

const readNote = (fd: number): ImageNote | undefined => {
  const head = Buffer.alloc(superblockOffset)
  readNow({ fd, offset: 0, length: head.length }, head, 0)
  const [, text] = /^lading erofs 1 (\{.*\})\n/.exec(head.toString('latin1')) ?? []
  if (text === undefined) return undefined
  try {
    const note = JSON.parse(text) as ImageNote
    return Number.isSafeInteger(note.length) && note.length >= superblockOffset ? note : undefined
  } catch {
    return undefined
  }
}

/** Of the metadata behind the note, which ends at `length`. */
const crcOf = (fd: number, length: number): number => {
  let crc = 0
  for (const piece of piecesOf({ fd, offset: superblockOffset, length: length - superblockOffset }))
    crc = crc32(piece, crc)
  return crc
}
