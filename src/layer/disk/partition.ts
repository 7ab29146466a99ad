/**
 * A tree cut into parts that are made side by side. Rows come in the order of a walk, and a part is a stretch of
 * it. The folders that are open where one part ends and the next begins belong to nobody: they are made here,
 * before either part, and kept: they get their attributes at the very end, when nothing more goes into them. Hard
 * links to a file of an earlier part, which may not be there yet, wait too, and the folders that they are in.
 */
import type { Content } from '../content.js'
import { type Part, PartBuilder } from './part.js'
import { folderFlags, type SystemCalls } from './system-calls.js'
import { impliedRow, type TreeRow } from './tree-row.js'
import { withPath } from './with-path.js'

interface Folder {
  readonly parent: Folder | undefined
  readonly order: number
  attributes: TreeRow
  /** Its row in the part at hand. */
  row: number
  /** Once it is made here; -1 before. */
  fd: number
  /** Gets its attributes at the end. */
  isKept: boolean
}

/** What waits for the end. */
interface LateItem {
  readonly order: number
  readonly folder: Folder
  /** In the folder; undefined for the folder itself. */
  readonly row?: TreeRow
}

export interface PlannedPart {
  readonly part: Part
  /** Contents that lie in no file, by row: only the main thread can read them. */
  readonly streams: ReadonlyMap<number, Content>
  /** There is no other to be made beside it. */
  readonly isWhole: boolean
}

export interface PartitionOptions {
  /** Symbolic links bear their owners themselves, and their folders no notes of them. */
  readonly privileged: boolean
  /** What the first parts weigh at least; later ones weigh a share of all that came before. */
  readonly smallest: number
}

export class Partition {
  readonly #system: SystemCalls
  readonly #options: PartitionOptions
  readonly #root: Folder
  /** The folders that are open at this point of the walk, the root first. */
  readonly #open: Folder[]
  readonly #late: LateItem[] = []
  #part = new PartBuilder()
  /** Paths of the files in the part at hand that may be linked. */
  #linked = new Set<string>()
  #ownedLinks: LateItem[] = []
  #weight = 0
  #weightBefore = 0
  #order = 0

  constructor(system: SystemCalls, root: number, options: PartitionOptions) {
    this.#system = system
    this.#options = options
    this.#root = { parent: undefined, order: 0, attributes: impliedRow, row: 0, fd: root, isKept: false }
    this.#open = [this.#root]
    this.#keep(this.#root)
    this.#begin()
  }

  /** The parts that are made side by side; when that is done, `last` is to be asked for those that remain. */
  *parts(rows: Iterable<TreeRow>): Iterable<PlannedPart> {
    for (const row of rows) {
      if (row.depth === 0) {
        this.#root.attributes = { ...row }
        continue
      }
      this.#open.length = row.depth
      if (this.#weight >= Math.max(this.#options.smallest, this.#weightBefore / 8)) yield this.#cut()
      this.#add(this.#open.at(-1)!, row)
    }
    yield this.#finish()
  }

  /** When the parts are made, one after the other: links between parts, then attributes of the folders that were kept. */
  last(): readonly Part[] {
    const items = this.#late.sort((a, b) => a.order - b.order)
    const links = items.filter(({ row }) => row === undefined || row.type === 'hardlink')
    const rest = items.filter(({ row }) => row?.type !== 'hardlink')
    return [lateOf(links, 'enter'), lateOf(rest, 'finish')]
  }

  /** Close what is open; when no part is being made. */
  close(): void {
    for (const { folder, row } of this.#late)
      if (row === undefined && folder !== this.#root && folder.fd >= 0) this.#system.close(folder.fd)
  }

  #add(folder: Folder, row: TreeRow): void {
    const order = ++this.#order
    this.#weight += weightOfRow + row.storedSize
    if (row.type === 'hardlink') {
      this.#link(folder, row, order)
      return
    }
    const at = this.#part.add('make', folder.row, row)
    if (row.type === 'directory') {
      const made = { parent: folder, order, attributes: { ...row }, row: at, fd: -1, isKept: false }
      this.#open.push(made)
      // Links may come to what is in it, which nobody could find any more.
      if (!this.#options.privileged && (row.mode & 0o500) !== 0o500) this.#keepAll(made)
    } else if (row.isLinked) this.#linked.add(pathIn(folder, row.name))
    if (row.type === 'symlink' && !this.#options.privileged && (row.uid !== 0 || row.gid !== 0))
      this.#ownedLinks.push({ order, folder, row: { ...row } })
  }

  #link(folder: Folder, row: TreeRow, order: number): void {
    if (this.#linked.has(row.link)) {
      const name = row.link.slice(row.link.lastIndexOf('/') + 1)
      const isNear = pathIn(folder, name) === row.link
      this.#part.add('make', folder.row, row, isNear ? `/${name}` : row.link)
      return
    }
    this.#keepAll(folder)
    this.#late.push({ order, folder, row: { ...row } })
  }

  /** End the part here; the next one goes on in the folders that are open. */
  #cut(): PlannedPart {
    for (const folder of this.#open) {
      if (folder.fd >= 0) continue
      const { parent, attributes } = folder
      const name = Buffer.from(attributes.name, 'latin1')
      try {
        this.#system.makeFolder(parent!.fd, name, 0o700)
        this.#keep(folder)
        folder.fd = this.#system.open(parent!.fd, name, folderFlags)
      } catch (error) {
        throw withPath(pathIn(parent!, attributes.name), error)
      }
      this.#part.change(folder.row, 'enter', folder.fd)
    }
    const planned = this.#finish()
    this.#begin()
    return planned
  }

  #finish(): PlannedPart {
    for (const link of this.#ownedLinks) if (link.folder.isKept) this.#late.push(link)
    const { streams } = this.#part
    return { part: this.#part.finish(), streams, isWhole: this.#weightBefore === 0 }
  }

  #begin(): void {
    this.#part = new PartBuilder()
    this.#linked = new Set()
    this.#ownedLinks = []
    this.#weightBefore += this.#weight
    this.#weight = 0
    for (const folder of this.#open) {
      const parent = folder.parent?.row ?? 0
      folder.row = this.#part.add('enter', parent, folder.attributes, '', folder.fd)
    }
  }

  /** A folder of the part at hand, and those that it is in. */
  #keepAll(folder: Folder): void {
    for (let at: Folder | undefined = folder; at && !at.isKept; at = at.parent) {
      this.#part.change(at.row, 'begin')
      this.#keep(at)
    }
  }

  #keep(folder: Folder): void {
    if (folder.isKept) return
    folder.isKept = true
    this.#late.push({ order: folder.order, folder })
  }
}

/** A part out of such items in order, where folders have `task`. */
const lateOf = (items: readonly LateItem[], task: 'enter' | 'finish'): Part => {
  const part = new PartBuilder()
  const rows = new Map<Folder, number>()
  for (const { folder, row } of items) {
    const parent = rows.get(row ? folder : (folder.parent ?? folder)) ?? 0
    if (row) part.add(row.type === 'symlink' ? 'finish' : 'make', parent, row)
    else rows.set(folder, part.add(task, parent, folder.attributes, '', folder.fd))
  }
  return part.finish()
}

/** Making a file takes about as long as writing this many bytes. */
const weightOfRow = 32 * 1024

const pathIn = (folder: Folder, name: string): string => {
  let path = name
  for (let at = folder; at.parent; at = at.parent) path = `${at.attributes.name}/${path}`
  return path
}
