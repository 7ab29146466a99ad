/**
 * Measuring a layer that lies in a file, and copying it on the way: in a thread. A large one that is not
 * compressed can be shared by two threads: one copies and reads the headers, the other hashes what has been
 * written, close behind, so that the digest is of the very bytes that are kept.
 */
import type { FileRange } from '../bytes/byte-stream.js'
import { cloneFile } from '../bytes/clone-file.js'
import { fileSource } from '../bytes/file-source.js'
import { hashBehind, Track } from '../bytes/hash-behind.js'
import { createHasher } from '../bytes/hasher.js'
import { isPlain } from '../bytes/is-plain.js'
import { piecesOf, writeNow } from '../bytes/read-now.js'
import { settleAll } from '../bytes/settle-all.js'
import {
  inThread,
  type Job,
  type JobContext,
  type JobOptions,
  StopFlag,
  worthAThread,
  worthTwoThreads,
} from '../bytes/threads.js'
import type { Digest } from '../spec/digest.js'
import { LayerScan } from './layer-scan.js'
import { type MeasuredLayer, measureLayer } from './measure.js'
import { decodeToc, encodeToc } from './toc-file.js'

/** A layer's blob in a file. `what` names it in messages. */
export interface LayerRegion {
  readonly file: FileRange
  readonly what: string
  /** A new file that the blob is copied into, from its beginning. */
  readonly output?: number
}

interface RegionJob extends LayerRegion {
  /** Of a Track: somebody else hashes, behind what is written here. */
  readonly track?: SharedArrayBuffer
}

/** The Toc as a file, which can be handed over. */
type PassedLayer = Omit<MeasuredLayer, 'toc'> & { readonly toc: Uint8Array }

const self = new URL('./measure-region.js', import.meta.url)

/**
 * What measureLayer tells, of a layer in a file. `alone`: nothing else keeps the other threads busy. Throws what
 * measureLayer throws.
 */
export const measureRegion = async (
  region: LayerRegion,
  { alone = false, ...options }: JobOptions & { readonly alone?: boolean } = {},
): Promise<MeasuredLayer> => {
  const { file, output, what } = region
  if (file.length < worthAThread)
    return measure(region, { advance: options.onBytes ?? (() => {}), check: () => {} })
  if (alone && output !== undefined && file.length >= worthTwoThreads && isPlain(file))
    return measureShared({ ...region, output }, options)
  const { toc, ...measured } = await inThread<RegionJob, PassedLayer>(self, region, options)
  return { ...measured, toc: decodeToc(toc, what) }
}

const measureShared = async (
  region: LayerRegion & { readonly output: number },
  options: JobOptions,
): Promise<MeasuredLayer> => {
  const { file, output, what } = region
  const track = new Track().memory
  const { stop = new StopFlag() } = options
  const copied = inThread<RegionJob, PassedLayer>(self, { ...region, track }, { ...options, stop })
  const hashed = hashBehind(
    { fd: output, offset: 0, length: file.length, track, algorithm: 'sha256' },
    { stop },
  )
  await settleAll<unknown>([copied, hashed], stop)
  const { toc, ...measured } = await copied
  const digest = await hashed
  return { ...measured, digest, diffId: digest, toc: decodeToc(toc, what) }
}

export const job: Job<RegionJob, PassedLayer> = async (region, context) => {
  const { toc, ...measured } = await measure(region, context)
  const bytes = encodeToc(toc)
  return { output: { ...measured, toc: bytes }, transfer: [bytes.buffer as ArrayBuffer] }
}

const measure = async (region: RegionJob, context: JobContext): Promise<MeasuredLayer> =>
  isPlain(region.file) ? measurePlain(region, context) : measureCompressed(region, context)

const measurePlain = async (
  { file: given, what, output, track }: RegionJob,
  { advance, check }: JobContext,
): Promise<MeasuredLayer> => {
  const cloned = output !== undefined && (await cloneFile(given, output))
  // What was cloned is what is measured.
  const file = cloned ? { ...given, fd: output } : given
  const hasher = createHasher()
  const scan = new LayerScan(what)
  const written = track && new Track(track)
  let size = 0
  for (const piece of piecesOf(file)) {
    check()
    if (output !== undefined && !cloned) writeNow(output, piece, size)
    size += piece.length
    if (written) written.reach(size)
    else hasher.update(piece)
    scan.push(piece)
    advance(piece.length)
  }
  const digest: Digest = hasher.digest()
  return { digest, size, compression: 'none', diffId: digest, uncompressedSize: size, ...scan.finish(size) }
}

const measureCompressed = (
  { file, what, output }: RegionJob,
  { advance, check }: JobContext,
): Promise<MeasuredLayer> => {
  let size = 0
  return measureLayer(fileSource(file).stream(), what, async chunk => {
    check()
    if (output !== undefined) writeNow(output, chunk, size)
    size += chunk.length
    advance(chunk.length)
  })
}
