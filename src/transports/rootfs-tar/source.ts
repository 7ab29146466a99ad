import type { ByteSource, ByteStream } from '../../bytes/byte-stream.js'
import { decompress } from '../../bytes/decompress.js'
import { openFile } from '../../bytes/file-source.js'
import { peek } from '../../bytes/peek.js'
import { sniffCompression, sniffLength } from '../../bytes/sniff.js'
import { openSpoolFile } from '../../bytes/spool-file.js'
import type { Snapshot } from '../../image/snapshot.js'
import { decodeCarried } from '../../layer/carried.js'
import { contentsIn } from '../../layer/content.js'
import { treeOf } from '../../layer/merged-tree.js'
import { TocBuilder } from '../../layer/toc-builder.js'
import { LadingError } from '../../spec/errors.js'
import type { PaxRecord } from '../../tar/entry.js'
import { scanSource } from '../../tar/scan-source.js'
import { explain, kindOfBytes } from '../identify.js'

/**
 * A flat tar, as docker export and lading export write it; `-` is standard input. Uncompressed in a file it is
 * read by its headers, where it lies; otherwise it is inflated once into an unnamed file. Throws NOT_AN_IMAGE
 * for what is no tar, BAD_TAR, TRUNCATED.
 */
export const openRootfsTar = async (
  path: string,
  stdin: ByteStream = process.stdin as ByteStream,
): Promise<Snapshot> => {
  const place = path === '-' ? 'standard input' : path
  const { bytes, close } = path === '-' ? await spooled(stdin, place) : await fromFile(path)
  try {
    const builder = new TocBuilder()
    const globals: PaxRecord[] = []
    await scanSource(bytes, {
      entry: entry => builder.add(entry),
      global: records => globals.push(...records),
    })
    const carried = decodeCarried(globals)
    const tree = treeOf(builder.finish(bytes.size))
    return {
      ...{ place, format: 'rootfs', tree, contents: contentsIn([bytes]), losses: [] },
      ...(carried && { carried }),
      warnings: tree.oddities.map(message => ({ what: 'entry', message })),
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface Tar {
  readonly bytes: ByteSource
  readonly close: () => Promise<void>
}

const fromFile = async (path: string): Promise<Tar> => {
  const file = await openFile(path)
  const head = await file.read({ offset: 0, length: Math.min(sniffLength, file.size) })
  if (sniffCompression(head) === 'none') {
    checkIsTar(await file.read({ offset: 0, length: Math.min(512, file.size) }), path)
    return { bytes: file, close: () => file.handle.close() }
  }
  try {
    return await spooled(file.stream(), path)
  } finally {
    await file.handle.close()
  }
}

const spooled = async (given: ByteStream, place: string): Promise<Tar> => {
  const spool = await openSpoolFile()
  try {
    const { stream } = await decompress(given, { what: place })
    const { head, stream: whole } = await peek(stream, 512)
    checkIsTar(head, place)
    return { bytes: await spool.append(whole), close: async () => spool[Symbol.asyncDispose]() }
  } catch (error) {
    await spool[Symbol.asyncDispose]()
    throw error
  }
}

const checkIsTar = (head: Buffer, place: string): void => {
  const kind = kindOfBytes(head)
  if (kind === 'unknown' || kind === 'elf') return
  const { is, remedy } = explain(kind)
  throw new LadingError('NOT_AN_IMAGE', `${place} is ${is}${remedy === undefined ? '' : `. ${remedy}`}`, {
    data: { place, kind },
  })
}
