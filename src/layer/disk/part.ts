/**
 * A part of a tree that is to be made on disk, as a table that goes between threads at no cost: numbers, names in
 * one arena, and the few things that few entries have. Row 0 is the root of the tree; a folder comes before what
 * is in it, and everything in it before what is behind it.
 */
import type { Content } from '../content.js'
import { entryTypes } from '../toc.js'
import type { RowExtra, TreeRow } from './tree-row.js'

/** What is to be done about a row. */
export const tasks = {
  /** Make it, and give it its attributes: a folder when everything in it is there. */
  make: 0,
  /** A folder: make it; others will put more into it, and give it its attributes. */
  begin: 1,
  /** A folder that is there, and open unless its `fd` is -1: things go into it. */
  enter: 2,
  /** It is there: a folder gets its attributes after what else goes into it, of a symbolic link the owner is noted. */
  finish: 3,
} as const

export type Task = keyof typeof tasks

/** A row as it is read: names are positions in the arena, where they end in a NUL. */
export interface ReadRow
  extends Pick<
    TreeRow,
    'type' | 'mode' | 'uid' | 'gid' | 'seconds' | 'nanos' | 'size' | 'storedSize' | 'offset'
  > {
  readonly task: number
  /** Row of the folder that it is in. */
  readonly parent: number
  readonly name: number
  /** Of a symbolic link its target; of a hard link a path below the root, or, with a slash before it, a name in the same folder. */
  readonly link: number
  /** Of the file that the content lies in, or of an open folder; -1 where there is none. */
  readonly fd: number
  readonly extra: RowExtra | undefined
}

export interface Part {
  readonly numbers: Float64Array
  readonly arena: Uint8Array
  readonly extras: readonly RowExtra[]
}

const stride = 15

export const rowCount = ({ numbers }: Part): number => numbers.length / stride

export const readRow = ({ numbers, extras }: Part, row: number): ReadRow => {
  const at = row * stride
  return {
    task: numbers[at]!,
    type: entryTypes[numbers[at + 1]!]!,
    parent: numbers[at + 2]!,
    name: numbers[at + 3]!,
    mode: numbers[at + 4]!,
    uid: numbers[at + 5]!,
    gid: numbers[at + 6]!,
    seconds: numbers[at + 7]!,
    nanos: numbers[at + 8]!,
    size: numbers[at + 9]!,
    storedSize: numbers[at + 10]!,
    fd: numbers[at + 11]!,
    offset: numbers[at + 12]!,
    link: numbers[at + 13]!,
    extra: extras[numbers[at + 14]!],
  }
}

/** The path of a row below the root, latin1. */
export const rowPath = (part: Part, row: number): string => {
  const names: string[] = []
  for (let at = row; at > 0; at = readRow(part, at).parent) {
    const { name } = readRow(part, at)
    names.unshift(Buffer.from(part.arena.subarray(name, part.arena.indexOf(0, name))).toString('latin1'))
  }
  return names.join('/')
}

/** Collects the rows of a part. */
export class PartBuilder {
  length = 0
  /** Contents that lie in no file, by row: only the main thread can read them. */
  readonly streams = new Map<number, Content>()
  readonly #extras: RowExtra[] = []
  #numbers = new Float64Array(stride * 256)
  #arena = '\0'

  /** The row's number. `link` and `fd` are as ReadRow has them. */
  add(task: Task, parent: number, row: TreeRow, link = row.link, fd = row.fd): number {
    let at = this.length * stride
    if (at === this.#numbers.length) this.#grow()
    const numbers = this.#numbers
    numbers[at++] = tasks[task]
    numbers[at++] = entryTypes.indexOf(row.type)
    numbers[at++] = parent
    numbers[at++] = this.#text(row.name)
    numbers[at++] = row.mode
    numbers[at++] = row.uid
    numbers[at++] = row.gid
    numbers[at++] = row.seconds
    numbers[at++] = row.nanos
    numbers[at++] = row.size
    numbers[at++] = row.storedSize
    numbers[at++] = fd
    numbers[at++] = row.offset
    numbers[at++] = this.#text(link)
    numbers[at++] = row.extra ? this.#extras.push(row.extra) - 1 : -1
    if (row.storedSize > 0 && fd < 0) this.streams.set(this.length, row.content!)
    return this.length++
  }

  /** Give a folder's row another task. */
  change(row: number, task: Task, fd = -1): void {
    this.#numbers[row * stride] = tasks[task]
    this.#numbers[row * stride + 11] = fd
  }

  finish(): Part {
    const numbers = this.#numbers.slice(0, this.length * stride)
    return { numbers, arena: Buffer.from(this.#arena, 'latin1'), extras: this.#extras }
  }

  #text(text: string): number {
    if (text === '') return 0
    const at = this.#arena.length
    this.#arena += text
    this.#arena += '\0'
    return at
  }

  #grow(): void {
    const larger = new Float64Array(this.#numbers.length * 2)
    larger.set(this.#numbers)
    this.#numbers = larger
  }
}
