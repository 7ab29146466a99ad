import type { ByteSource, ByteStream } from '../../bytes/byte-stream.js'
import { collect } from '../../bytes/collect.js'
import { inflatedSource } from '../../bytes/inflated-source.js'
import { memorySource } from '../../bytes/memory-source.js'
import { peek } from '../../bytes/peek.js'
import { slice } from '../../bytes/slice.js'
import type { Compression } from '../../bytes/sniff.js'
import type { BlobStage } from '../../image/stage.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { limits } from '../../spec/limits.js'
import { readTarStream } from '../../tar/read-stream.js'
import { Archive } from './archive.js'
import { ArchiveContents } from './contents.js'
import { ambiguous, isTopDocument } from './read-in-place.js'

export interface OrderedInput {
  readonly place: string
  /** The tar, with what was around it already undone. */
  readonly stream: ByteStream
  readonly compressions: readonly Compression[]
  /** The bytes as they lay there, where they can be read again: then contents need not be kept. */
  readonly again?: ByteSource
  close(): Promise<void>
}

/**
 * An archive that can be read only from its beginning to its end: standard input, or a compressed file. One
 * pass: documents, which are small, are held in memory; every other file goes to the stage as it comes by,
 * before it is known what it is for, because the document that says so may come last.
 */
export const readInOrder = async (input: OrderedInput, stage: BlobStage): Promise<Archive> => {
  const { place } = input
  const contents = new ArchiveContents()
  let held = 0
  for await (const { entry, body } of readTarStream(input.stream)) {
    if (entry.type !== 'file') {
      contents.addOther(entry)
      continue
    }
    const name = ArchiveContents.nameOf(entry)
    const { head, stream: whole } = await peek(body, 64)
    if (entry.storedSize <= limits.archiveDocument && looksLikeDocument(name, head)) {
      const bytes = await collect(whole, {
        max: limits.archiveDocument,
        what: `${visible(name)} in ${place}`,
      })
      held += bytes.length
      if (held > limits.heldDocuments)
        throw new LadingError(
          'LIMIT_EXCEEDED',
          `Cannot read ${place}: its documents take more than ${limits.heldDocuments} bytes`,
        )
      const twin = isTopDocument(name) ? contents.files.get(name) : undefined
      if (twin && !bytes.equals(await twin.content.read({ offset: 0, length: twin.content.size })))
        throw ambiguous(place, name)
      contents.addFile(entry, { content: memorySource(bytes) })
      continue
    }
    const { measured, content } = await stage.stage(whole, `${visible(name)} in ${place}`)
    if (measured.size !== entry.storedSize)
      throw new LadingError(
        'TRUNCATED',
        `${visible(name)} in ${place} ends after ${measured.size} of ${entry.storedSize} bytes: the archive is truncated`,
        {
          data: { name, found: measured.size, wanted: entry.storedSize },
        },
      )
    const range = { offset: entry.dataOffset, length: entry.storedSize }
    const rest = input.again && slice(inflatedSource(input.again, range.offset + range.length, place), range)
    contents.addFile(entry, {
      content: content ?? rest ?? goneSource(name, entry.storedSize, place),
      measured,
    })
  }
  return new Archive({
    place,
    compressions: input.compressions,
    files: contents.files,
    links: contents.links,
    tops: contents.tops,
    close: input.close,
  })
}

/** JSON by its first character, or one of the texts that have none. */
const looksLikeDocument = (name: string, head: Buffer): boolean =>
  isTopDocument(name) || /(?:^|\/)(?:VERSION|json)$/.test(name) || /^\s*[{[]/.test(head.toString('latin1'))

/** What was read once, measured and not kept. */
const goneSource = (name: string, size: number, place: string): ByteSource => {
  const gone = (): never => {
    throw new LadingError(
      'UNSUPPORTED',
      `Cannot read ${visible(name)} in ${place} again: it came by once and was not kept`,
    )
  }
  return { size, stream: gone, read: gone }
}
