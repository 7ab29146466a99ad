/**
 * Makes the rows of a part. Each folder is opened once and everything in it is made through its descriptor, by
 * name, never through a path that somebody could bend; what is made is new, so nothing is ever written through a
 * link. A file gets its owner, then attributes, then mode (a change of owner takes setuid and capabilities away),
 * then its time; a folder all of that when everything in it is there.
 */
import type { Xattr } from '../../tar/entry.js'
import { AttributeWriter, type UnpackLosses, type UnpackRules } from './attribute-writer.js'
import { type Part, type ReadRow, readRow, rowCount, rowPath, tasks } from './part.js'
import { linksNote, nodeNote, type Owner, unpackedByNote } from './rootless-notes.js'
import { createFlags, folderFlags, pathIn, type SystemCalls } from './system-calls.js'
import { withPath } from './with-path.js'

/** What the content of a file is written with. */
export interface ContentWriter {
  /** Into the new file `fd`; a promise where that takes a while. */
  write(fd: number, of: ReadRow, row: number): Promise<void> | undefined
}

/** Make a part. Throws what the file system says, ENOSPC and the like, with the path. */
export const writePart = async (
  system: SystemCalls,
  part: Part,
  rules: UnpackRules,
  content: ContentWriter,
  pause: () => Promise<void> | undefined,
): Promise<UnpackLosses> => {
  const writer = new PartWriter(system, part, rules, content)
  const count = rowCount(part)
  let row = 0
  try {
    for (; row < count; row++) {
      const waiting = writer.make(row)
      if (waiting) await waiting
      if (row % 1000 === 999) await pause()
    }
    writer.finish()
    return writer.losses
  } catch (error) {
    throw withPath(rowPath(part, writer.at), error)
  } finally {
    writer.close()
  }
}

interface OpenFolder {
  readonly row: number
  readonly fd: number
  readonly of: ReadRow
  /** It has been made with its mode. */
  readonly hasMode: boolean
  /** Owners of symbolic links in it that could not be given. */
  links: (readonly [Buffer, Owner])[]
}

class PartWriter {
  /** The row at hand, for messages. */
  at = 0
  readonly #system: SystemCalls
  readonly #part: Part
  readonly #arena: Buffer
  readonly #rules: UnpackRules
  readonly #attributes: AttributeWriter
  readonly #content: ContentWriter
  /** The folders that we are in, the root first. */
  readonly #folders: OpenFolder[] = []
  #root = -1

  constructor(system: SystemCalls, part: Part, rules: UnpackRules, content: ContentWriter) {
    this.#system = system
    this.#part = part
    this.#arena = Buffer.from(part.arena.buffer, part.arena.byteOffset, part.arena.length)
    this.#rules = rules
    this.#attributes = new AttributeWriter(system, rules)
    this.#content = content
  }

  get losses(): UnpackLosses {
    return this.#attributes.losses
  }

  make(row: number): Promise<void> | undefined {
    const of = readRow(this.#part, row)
    if (row === 0) {
      this.#root = of.fd
      this.#folders.push({ row, fd: of.fd, of, hasMode: false, links: [] })
      return
    }
    const folder = this.#enter(of.parent)
    this.at = row
    const name = this.#text(of.name)
    if (of.type === 'file') return this.#file(folder, name, row, of)
    if (of.type === 'directory') this.#folder(folder, name, row, of)
    else if (of.type === 'hardlink') this.#link(folder, name, this.#text(of.link))
    else if (of.type === 'symlink') this.#symlink(folder, name, of)
    else this.#node(folder, name, of)
  }

  /** Leave the folders that are still open. */
  finish(): void {
    while (this.#folders.length > 0) this.#leave()
  }

  close(): void {
    for (const folder of this.#folders.splice(0))
      if (folder.fd !== folder.of.fd) this.#system.close(folder.fd)
  }

  /** A name in the arena, with all that is behind its NUL. */
  #text(position: number): Buffer {
    return this.#arena.subarray(position)
  }

  /** The folder of row `row`, which comes before what is in it: those that are behind us are done. */
  #enter(row: number): OpenFolder {
    while (this.#folders.at(-1)!.row !== row) this.#leave()
    return this.#folders.at(-1)!
  }

  #leave(): void {
    const folder = this.#folders.at(-1)!
    const { row, fd, of, hasMode, links } = folder
    this.at = row
    if (of.task === tasks.make || of.task === tasks.finish) {
      const notes: Xattr[] = []
      if (links.length > 0) notes.push(linksNote(links))
      if (row === 0 && !this.#attributes.privileged) notes.push(unpackedByNote(this.#rules))
      for (const note of notes)
        if (!this.#attributes.set(fd, note)) this.#attributes.losses.owners += Math.max(links.length, 1)
      this.#attributes.finish(fd, of, hasMode)
    }
    this.#folders.pop()
    if (fd !== of.fd) this.#system.close(fd)
  }

  #folder(folder: OpenFolder, name: Buffer, row: number, of: ReadRow): void {
    const hasMode = of.task === tasks.make && this.#attributes.mayHaveMode(of)
    if (of.task === tasks.make || of.task === tasks.begin)
      this.#system.makeFolder(folder.fd, name, hasMode ? of.mode : 0o700)
    const fd = of.fd >= 0 ? of.fd : this.#system.open(folder.fd, name, folderFlags)
    this.#folders.push({ row, fd, of, hasMode, links: [] })
  }

  #file(folder: OpenFolder, name: Buffer, row: number, of: ReadRow): Promise<void> | undefined {
    const hasMode = this.#attributes.mayHaveMode(of)
    const fd = this.#system.open(folder.fd, name, createFlags, hasMode ? of.mode : 0o600)
    let waiting: Promise<void> | undefined
    try {
      waiting = this.#content.write(fd, of, row)
      if (!waiting) this.#attributes.finish(fd, of, hasMode)
    } finally {
      if (!waiting) this.#system.close(fd)
    }
    return waiting?.then(() => this.#attributes.finish(fd, of, hasMode)).finally(() => this.#system.close(fd))
  }

  /** `target`: as PartRow says. */
  #link(folder: OpenFolder, name: Buffer, target: Buffer): void {
    const [first, ...more] = target.toString('latin1', 0, target.indexOf(0)).split('/')
    if (first === '') {
      this.#system.makeLink(folder.fd, Buffer.from(more[0]!, 'latin1'), folder.fd, name)
      return
    }
    const parts = [first!, ...more]
    const last = Buffer.from(parts.pop()!, 'latin1')
    let from = this.#root
    try {
      for (const part of parts) {
        const next = this.#system.open(from, Buffer.from(part, 'latin1'), folderFlags)
        if (from !== this.#root) this.#system.close(from)
        from = next
      }
      this.#system.makeLink(from, last, folder.fd, name)
    } finally {
      if (from !== this.#root) this.#system.close(from)
    }
  }

  #symlink(folder: OpenFolder, name: Buffer, of: ReadRow): void {
    const { task, uid, gid, extra, link } = of
    if (!this.#attributes.privileged && (uid !== 0 || gid !== 0))
      folder.links.push([Buffer.from(name.subarray(0, name.indexOf(0))), { uid, gid }])
    if (task === tasks.finish) return
    this.#system.makeSymlink(this.#text(link), folder.fd, name)
    if (this.#attributes.privileged && (uid !== this.#rules.uid || gid !== this.#rules.gid))
      this.#system.setOwner(folder.fd, name, uid, gid)
    for (const xattr of extra?.xattrs ?? [])
      if (!this.#attributes.set(pathIn(folder.fd, name), xattr)) this.#attributes.losses.xattrs++
    this.#attributes.losses.records += extra?.records?.length ?? 0
    this.#system.setTime(folder.fd, name, of)
  }

  /** A device or a FIFO; where that is not allowed, an empty file with a note. */
  #node(folder: OpenFolder, name: Buffer, of: ReadRow): void {
    const { uid, gid, type, extra = {} } = of
    const { devMajor: major = 0, devMinor: minor = 0 } = extra
    const own = uid === 0 && gid === 0 && extra.xattrs === undefined
    if ((this.#attributes.privileged || (type === 'fifo' && own)) && this.#realNode(folder, name, of)) return
    const fd = this.#system.open(folder.fd, name, createFlags, 0o600)
    try {
      if (!this.#attributes.set(fd, nodeNote({ type, major, minor }))) this.#attributes.losses.devices++
      this.#attributes.finish(fd, of, false)
    } finally {
      this.#system.close(fd)
    }
  }

  /** False where it may not be made: in a user namespace root may not make devices either. */
  #realNode({ fd }: OpenFolder, name: Buffer, of: ReadRow): boolean {
    const { devMajor = 0, devMinor = 0 } = of.extra ?? {}
    try {
      const bits = typeBits[of.type as keyof typeof typeBits]
      this.#system.makeNode(fd, name, bits | 0o600, devMajor, devMinor)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPERM') return false
      throw error
    }
    if (this.#attributes.privileged) this.#system.setOwner(fd, name, of.uid, of.gid)
    this.#attributes.setAll(pathIn(fd, name), of)
    this.#system.setMode(fd, name, of.mode)
    this.#system.setTime(fd, name, of)
    return true
  }
}

const typeBits = { 'character-device': 0o020000, 'block-device': 0o060000, fifo: 0o010000 } as const
