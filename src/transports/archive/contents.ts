import type { ByteSource } from '../../bytes/byte-stream.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { TarEntry } from '../../tar/entry.js'
import { normalizePath } from '../../tar/names.js'
import type { ArchiveFile, ArchiveLink } from './archive.js'

/** No image archive stores a file with holes; one that is there may be named, and not read. */
const sparseSource = (name: string, size: number): ByteSource => {
  const refuse = (): never => {
    throw new LadingError(
      'UNSUPPORTED',
      `Cannot read ${JSON.stringify(visible(name))}: it is stored as a sparse file, as no image archive does it`,
    )
  }
  return { size, stream: refuse, read: refuse }
}

/** The files and links of an outer tar, as they are found. */
export class ArchiveContents {
  readonly files = new Map<string, ArchiveFile>()
  readonly links = new Map<string, ArchiveLink>()
  /** First components of all names, folders too: what tells a file tree from an image archive. */
  readonly tops = new Set<string>()

  /** The name that an entry has in documents, which are UTF-8. */
  static nameOf(entry: TarEntry): string {
    return normalizePath(entry.path).toString('utf8')
  }

  /** Of two files with one name the last counts, as for every tar reader. */
  addFile(entry: TarEntry, file: Omit<ArchiveFile, 'name'>): void {
    const name = this.#note(entry)
    this.links.delete(name)
    this.files.set(name, { name, ...file, ...(entry.sparse && { content: sparseSource(name, entry.size) }) })
  }

  /** A link; whatever else an archive may hold (folders, devices) means nothing to an image. */
  addOther(entry: TarEntry): void {
    const name = this.#note(entry)
    if (entry.type !== 'symlink' && entry.type !== 'hardlink') return
    const link = { kind: entry.type, target: entry.linkPath.toString('utf8') }
    // Hard-linked to itself, as some tars of link farms have it.
    if (link.kind === 'hardlink' && normalizePath(entry.linkPath).toString('utf8') === name) return
    this.files.delete(name)
    this.links.set(name, link)
  }

  #note(entry: TarEntry): string {
    const name = ArchiveContents.nameOf(entry)
    this.tops.add(name.split('/')[0]!)
    return name
  }
}
