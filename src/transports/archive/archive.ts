import { posix } from 'node:path'
import type { ByteSource } from '../../bytes/byte-stream.js'
import type { Compression } from '../../bytes/sniff.js'
import type { MeasuredLayer } from '../../layer/measure.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { limits } from '../../spec/limits.js'

/** A file of the outer tar. */
export interface ArchiveFile {
  readonly name: string
  readonly content: ByteSource
  /** Present where the file came by in a reading that cannot be repeated cheaply. */
  readonly measured?: MeasuredLayer
}

/** A name that stands for another: a symbolic link, resolved from its own folder, or a hard link, from the root. */
export interface ArchiveLink {
  readonly kind: 'symlink' | 'hardlink'
  readonly target: string
}

/**
 * The outer tar of an image archive, as names and contents. Names are without `./` and leading slashes. A name
 * in a document is looked up here and nowhere else: `../../etc/passwd` is a name that no entry has, and a link
 * leads to entries only.
 */
export class Archive implements AsyncDisposable {
  readonly place: string
  /** Around the whole, outermost first. */
  readonly compressions: readonly Compression[]
  readonly files: ReadonlyMap<string, ArchiveFile>
  /** First components of all names. */
  readonly tops: ReadonlySet<string>
  readonly #links: ReadonlyMap<string, ArchiveLink>
  readonly #close: () => Promise<void>

  constructor(contents: {
    place: string
    compressions: readonly Compression[]
    files: ReadonlyMap<string, ArchiveFile>
    links: ReadonlyMap<string, ArchiveLink>
    tops: ReadonlySet<string>
    close: () => Promise<void>
  }) {
    this.place = contents.place
    this.compressions = contents.compressions
    this.files = contents.files
    this.tops = contents.tops
    this.#links = contents.links
    this.#close = contents.close
  }

  /** The file that a name leads to. Undefined for a name that is not there; throws BLOB_MISSING for a link that leads nowhere or in circles. */
  file(name: string): ArchiveFile | undefined {
    let at = clean(name)
    for (let followed = 0; followed <= limits.symlinksFollowed; followed++) {
      const file = this.files.get(at)
      if (file !== undefined) return file
      const link = this.#links.get(at)
      if (link === undefined) {
        if (followed === 0) return undefined
        throw new LadingError(
          'BLOB_MISSING',
          `The link ${JSON.stringify(visible(name))} in ${this.place} leads to ${JSON.stringify(visible(at))}, which is not there`,
        )
      }
      const own = clean(
        link.kind === 'symlink' && !link.target.startsWith('/')
          ? `${posix.dirname(at)}/${link.target}`
          : link.target,
      )
      // Some writers make symbolic links relative to the root of the archive.
      at = this.files.has(own) || this.#links.has(own) ? own : clean(link.target)
    }
    throw new LadingError(
      'BLOB_MISSING',
      `The link ${JSON.stringify(visible(name))} in ${this.place} leads in a circle`,
    )
  }

  has(name: string): boolean {
    return this.files.has(name) || this.#links.has(name)
  }

  /** A document, whole. Throws BLOB_MISSING, LIMIT_EXCEEDED. */
  async document(name: string, max: number = limits.archiveDocument): Promise<Buffer> {
    const file = this.file(name)
    if (file === undefined)
      throw new LadingError('BLOB_MISSING', `${JSON.stringify(visible(name))} is not in ${this.place}`)
    if (file.content.size > max)
      throw new LadingError(
        'LIMIT_EXCEEDED',
        `Cannot read ${visible(name)} in ${this.place}: ${file.content.size} bytes, at most ${max} are allowed`,
      )
    return file.content.read({ offset: 0, length: file.content.size })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}

/** `./a//b/../c` as `a/c`; what leads out of the root stays at the root. */
const clean = (name: string): string => posix.normalize(`/${name}`).slice(1).replace(/\/$/, '')
