import { statSync } from 'node:fs'
import type { ByteStream, FileRange } from '../bytes/byte-stream.js'
import { openFile } from '../bytes/file-source.js'
import { streamParts } from '../bytes/parts.js'
import type { Loss, Warning } from '../image/loss.js'
import type { Snapshot } from '../image/snapshot.js'
import { encodeCarried } from '../layer/carried.js'
import { flatEntries, flatTar } from '../layer/flat-tar.js'
import { openDirectory } from '../transports/directory/source.js'
import { parsePlace } from '../transports/place.js'
import { download, isUrl } from '../transports/rootfs-tar/download.js'

/** A snapshot as a stream, once. */
export interface SnapshotInput extends AsyncDisposable {
  /** For messages. */
  readonly what: string
  readonly stream: ByteStream
  /** Where the same bytes lie in a file: then the stream need not be read. */
  readonly file?: FileRange
  /** Bytes to come, where that is known. */
  readonly size?: number
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/** A flat tar in a file, at a URL or from standard input (`-`), as it is; a folder as a tar. */
export const openSnapshotInput = async (
  text: string,
  stdin: ByteStream = process.stdin as ByteStream,
): Promise<SnapshotInput> => {
  const plain = { what: text, losses: [], warnings: [], [Symbol.asyncDispose]: async () => {} }
  if (isUrl(text)) return { ...plain, ...(await download(text)) }
  const place = parsePlace(text)
  const path = place.kind === 'rootfs' || place.kind === 'dir' ? place.path : text
  if (path === '-') return { ...plain, what: 'standard input', stream: stdin }
  if (place.kind === 'dir' || (place.kind === 'unknown' && isFolder(path)))
    return snapshotStream(await openDirectory(path))
  const file = await openFile(path)
  return {
    ...{ ...plain, stream: file.stream(), file: file.file, size: file.size },
    [Symbol.asyncDispose]: () => file.handle.close(),
  }
}

/** A snapshot that is open, as the flat tar that export makes of it. */
export const snapshotStream = (snapshot: Snapshot): SnapshotInput => {
  const { place, tree, contents, carried, losses, warnings } = snapshot
  return {
    ...{ what: place, losses, warnings },
    stream: streamParts(flatTar(flatEntries(tree), contents, carried && encodeCarried(carried))),
    [Symbol.asyncDispose]: () => snapshot[Symbol.asyncDispose](),
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
