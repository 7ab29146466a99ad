/**
 * The outer tar of an archive, written through tar-stream: the same entries give the same bytes. Names are
 * ours (digests and fixed words), so nothing here needs the byte-exact writer of src/tar.
 */
import { pack as createPack, type Pack } from 'tar-stream'
import type { ByteStream } from '../../bytes/byte-stream.js'
import type { FilePart, Part } from '../../bytes/parts.js'
import { LadingError } from '../../spec/errors.js'

interface AnyEntry {
  readonly name: string
  /** Whole seconds since 1970; see `archiveTime`. */
  readonly mtime: number
}

export type ArchiveEntry =
  /** `name` ends in a slash. */
  | (AnyEntry & { readonly type: 'directory' })
  | (AnyEntry & { readonly type: 'symlink'; readonly linkName: string })
  /** `open` gives exactly `size` bytes; `part`, where they lie in a file, gives the same. */
  | (AnyEntry & {
      readonly type: 'file'
      readonly size: number
      open(): ByteStream
      part?(): Promise<FilePart | undefined>
    })

/** A small file of which the bytes are known. */
export const documentEntry = (name: string, bytes: Uint8Array, mtime = 0): ArchiveEntry => ({
  name,
  mtime,
  type: 'file',
  size: bytes.length,
  async *open() {
    yield bytes
  },
})

/**
 * `created` of an image as the time of a file: whole seconds, as docker save writes them; 0 where there is no
 * time, or one that a ustar header cannot hold (before 1970; the zero time of Go).
 */
export const archiveTime = (created: string | undefined): number => {
  const seconds = Math.floor(Date.parse(created ?? '') / 1000)
  return seconds > 0 && seconds <= latestTime ? seconds : 0
}

// tar-stream keeps seconds in 32 bits with a sign.
const latestTime = 2 ** 31 - 1

/**
 * The tar of these entries, sorted by the bytes of their names; owner 0:0, modes as docker save writes them.
 * An entry is opened when its turn comes. Throws what the entry's own stream throws, and SIZE_MISMATCH when
 * it is not as long as was said.
 */
export async function* packArchive(entries: Iterable<ArchiveEntry>): AsyncIterable<Part> {
  const pack = createPack()
  const parts: FilePart[] = []
  const feeding = feed(
    pack,
    [...entries].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))),
    parts,
  )
  // Told below or by the iteration; here only so that it is never an unhandled rejection.
  feeding.catch(error => pack.destroy(error))
  let left = 0
  for await (const chunk of pack as AsyncIterable<Uint8Array>) {
    if (chunk.buffer !== standIn.buffer) yield chunk
    else {
      if (left === 0) {
        const part = parts.shift()!
        left = part.length
        yield part
      }
      left -= chunk.length
    }
  }
  await feeding
}

/** Goes through tar-stream in place of bytes that lie in a file and need not be read here. */
const standIn = Buffer.alloc(1 << 20)

const feed = async (pack: Pack, entries: readonly ArchiveEntry[], parts: FilePart[]): Promise<void> => {
  for (const entry of entries) await writeEntry(pack, entry, parts)
  pack.finalize()
}

const modes = { directory: 0o755, file: 0o644, symlink: 0o777 } as const

const writeEntry = (pack: Pack, entry: ArchiveEntry, parts: FilePart[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const header = {
      ...{
        name: entry.name,
        type: entry.type,
        mode: modes[entry.type],
        uid: 0,
        gid: 0,
        mtime: new Date(entry.mtime * 1000),
      },
      ...(entry.type === 'file' && { size: entry.size }),
      ...(entry.type === 'symlink' && { linkname: entry.linkName }),
    }
    const body = pack.entry(header, error => (error ? reject(error) : resolve()))
    body.on('error', reject)
    if (entry.type === 'file') pour(entry, body, parts).catch(error => body.destroy(error))
    else body.end(undefined)
  })

const pour = async (
  entry: ArchiveEntry & { type: 'file' },
  body: ReturnType<Pack['entry']>,
  parts: FilePart[],
) => {
  let length = 0
  for await (const chunk of (await standsFor(entry, parts)) ?? entry.open()) {
    length += chunk.length
    if (length > entry.size) throw wrongSize(entry, `more than ${entry.size}`)
    if (!body.write(chunk)) await drained(body)
    // Whoever read the archive has gone.
    if (body.destroyed) return
  }
  if (length < entry.size) throw wrongSize(entry, String(length))
  body.end(undefined)
}

/** What goes through tar-stream for an entry that lies in a file; undefined for one that has to be read. */
const standsFor = async (
  entry: ArchiveEntry & { type: 'file' },
  parts: FilePart[],
): Promise<Iterable<Buffer> | undefined> => {
  const part = await entry.part?.()
  if (part === undefined || part.length === 0) return undefined
  parts.push(part)
  return standIns(part.length)
}

function* standIns(length: number): Iterable<Buffer> {
  for (let left = length; left > 0; left -= standIn.length) yield standIn.subarray(0, left)
}

const drained = (body: ReturnType<Pack['entry']>): Promise<void> =>
  new Promise(resolve => {
    const done = () => {
      body.off('drain', done).off('close', done)
      resolve()
    }
    body.on('drain', done).on('close', done)
  })

const wrongSize = ({ name, size }: { name: string; size: number }, found: string): LadingError =>
  new LadingError(
    'SIZE_MISMATCH',
    `Wrong size of ${name} while writing it: found ${found} bytes, wanted ${size}`,
    {
      data: { name, found, wanted: size },
    },
  )
