import { limits } from '../spec/limits.js'
import { normalizePath } from '../tar/names.js'
import type { Toc } from './toc.js'

const slash = 0x2f
const dot = 0x2e

/** A text as long as a string can be would be too long with this much of it. */
const longestText = 1 << 28

/**
 * The paths of a Toc one after the other, each split into its folders and its name where it lies, and the
 * folders that were found for the one before. Most entries lie in the folder of their predecessor or near it:
 * only what differs has to be looked up. Paths are compared as bytes; text is made of what is looked up alone.
 */
export class PathTrail<Folder> {
  #bytes: Uint8Array = new Uint8Array(0)
  #positions = new Uint32Array(0)
  /** The arena as latin1, so that a name is a piece of it; undefined if it is too large. */
  #text: string | undefined
  #toc: Toc | undefined
  /** Of the path at hand: where it begins, where its name does, and where it ends. */
  #start = 0
  #name = 0
  #end = 0
  /** Length of its folders, without the slash before the name. */
  #length = 0
  /** Folders on the way there, from the top, each with the length of its path. */
  readonly #ends: number[] = []
  readonly #folders: Folder[] = []
  #depth = 0
  /** Where the component ends that `next` gave. */
  #next = 0

  open(toc: Toc): void {
    const { arena } = toc
    this.#toc = toc
    this.#bytes = arena
    this.#positions = toc.columns.path
    this.#text = arena.length < longestText ? arena.toString('latin1') : undefined
    this.#length = 0
    this.forget()
  }

  /** Folders may have gone, or lead elsewhere. */
  forget(): void {
    this.#depth = 0
  }

  /**
   * Go to the path of an entry. False, and it stays where it was, unless normalizePath would give that path
   * but for `./` before and a slash behind it.
   */
  seek(index: number): boolean {
    const bytes = this.#bytes
    const position = this.#positions[index]!
    let start = position + 4
    let end = start + lengthAt(bytes, position)
    while (start + 1 < end && bytes[start] === dot && bytes[start + 1] === slash) start += 2
    if (end > start && bytes[end - 1] === slash) end--
    if (end - start > limits.pathComponent) return false
    let name = end
    for (; name > start && bytes[name - 1] !== slash; name--) if (bytes[name - 1] === 0) return false
    if (name === end || (name > start && name - 1 === start) || isDots(bytes, name, end)) return false
    const length = name === start ? 0 : name - 1 - start

    const before = this.#start
    const most = Math.min(length, this.#length)
    let shared = 0
    while (shared < most && bytes[start + shared] === bytes[before + shared]) shared++
    let depth = this.#depth
    while (depth > 0) {
      const folder = this.#ends[depth - 1]!
      if (folder < shared || (folder === shared && (folder === length || bytes[start + folder] === slash)))
        break
      depth--
    }
    const known = depth === 0 ? 0 : this.#ends[depth - 1]!
    // Behind what is known there is a slash, and then names; or nothing.
    if (known < length && !areNames(bytes, start + (known === 0 ? 0 : known + 1), start + length))
      return false
    this.#start = start
    this.#name = name
    this.#end = end
    this.#length = length
    this.#depth = depth
    return true
  }

  /** The deepest folder that is known of those on the way; undefined for the root. */
  known(): Folder | undefined {
    return this.#depth === 0 ? undefined : this.#folders[this.#depth - 1]
  }

  /** The name of the folder behind the last that is known; undefined at the end of the way. */
  next(): string | undefined {
    const from = this.#depth === 0 ? 0 : this.#ends[this.#depth - 1]! + 1
    if (from >= this.#length) return undefined
    let end = from
    while (end < this.#length && this.#bytes[this.#start + end] !== slash) end++
    this.#next = end
    return this.#slice(this.#start + from, this.#start + end)
  }

  /** `folder` is what `next` named. */
  passed(folder: Folder): void {
    this.#ends[this.#depth] = this.#next
    this.#folders[this.#depth++] = folder
  }

  /** `folder` is at the end of the way. */
  arrived(folder: Folder): void {
    this.#next = this.#length
    this.passed(folder)
  }

  /** The path without the name, '' for the root. */
  folder(): string {
    return this.#slice(this.#start, this.#start + this.#length)
  }

  name(): string {
    return this.#slice(this.#name, this.#end)
  }

  /** The entries, in order, whose paths as they stand hold `text`. */
  indexesWith(text: string): readonly number[] {
    const { arena } = this.#toc!
    const found: number[] = []
    // The first place at or behind `from`.
    let from = 0
    let place = arena.indexOf(text)
    if (place < 0) return found
    for (let index = 0; index < this.#positions.length; index++) {
      const position = this.#positions[index]!
      if (position < from || place < position + 4) {
        from = position + 4
        const next = arena.indexOf(text, from)
        place = next < 0 ? Number.POSITIVE_INFINITY : next
      }
      if (place + text.length <= position + 4 + lengthAt(this.#bytes, position)) found.push(index)
    }
    return found
  }

  #slice(start: number, end: number): string {
    return this.#text === undefined
      ? this.#toc!.arena.toString('latin1', start, end)
      : this.#text.slice(start, end)
  }
}

/** The path of an entry as normalizePath has it, latin1. */
export const normalPath = (toc: Toc, index: number): string =>
  normalizePath(toc.path(index)).toString('latin1')

const lengthAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0

/** Whether `bytes[start … end)` is `.` or `..`. */
const isDots = (bytes: Uint8Array, start: number, end: number): boolean =>
  bytes[start] === dot && (end - start === 1 || (end - start === 2 && bytes[start + 1] === dot))

/** Whether what lies there are names with a slash between, none empty, none of dots alone, no NUL. */
const areNames = (bytes: Uint8Array, start: number, end: number): boolean => {
  let first = start
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if (byte === 0) return false
    if (byte !== slash) continue
    if (at === first || isDots(bytes, first, at)) return false
    first = at + 1
  }
  return first < end && !isDots(bytes, first, end)
}
