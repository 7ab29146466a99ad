/** Measuring a layer while it is written: in a thread, close behind the writer, so that there is one pass over it. */
import { Track } from '../bytes/hash-behind.js'
import { createHasher } from '../bytes/hasher.js'
import { readNow } from '../bytes/read-now.js'
import { inThread, type Job, type JobOptions } from '../bytes/threads.js'
import { LayerScan } from './layer-scan.js'
import type { MeasuredLayer } from './measure.js'
import { decodeToc, encodeToc } from './toc-file.js'

interface FollowedLayer {
  readonly fd: number
  /** Names it in messages. */
  readonly what: string
  /** Of the Track that its writer keeps, and ends. */
  readonly track: SharedArrayBuffer
}

type PassedLayer = Omit<MeasuredLayer, 'toc'> & { readonly toc: Uint8Array }

/**
 * What measureLayer tells of an uncompressed layer that is being written into the file `fd`. Settled when its writer has ended
 * the track. Throws ABORTED when it is told to stop, and what is wrong with the tar.
 */
export const measureBehind = async (
  layer: FollowedLayer,
  options: JobOptions = {},
): Promise<MeasuredLayer> => {
  const url = new URL('./measure-behind.js', import.meta.url)
  const { toc, ...measured } = await inThread<FollowedLayer, PassedLayer>(url, layer, options)
  return { ...measured, toc: decodeToc(toc, layer.what) }
}

const pieceLength = 256 * 1024

export const job: Job<FollowedLayer, PassedLayer> = ({ fd, what, track: memory }, { check }) => {
  const track = new Track(memory)
  const hasher = createHasher()
  const scan = new LayerScan(what)
  const buffer = Buffer.allocUnsafeSlow(pieceLength)
  let size = 0
  for (;;) {
    // Asked in this order: what was written before the end is seen.
    const ended = track.ended
    const written = track.beyond(size, ended ? 0 : undefined)
    if (written === size) {
      if (ended) break
      check()
      continue
    }
    const piece = buffer.subarray(0, Math.min(pieceLength, written - size))
    readNow({ fd, offset: 0, length: written }, piece, size)
    hasher.update(piece)
    scan.push(piece)
    size += piece.length
  }
  const digest = hasher.digest()
  const { toc, ...scanned } = scan.finish(size)
  const bytes = encodeToc(toc)
  return {
    output: {
      digest,
      size,
      compression: 'none',
      diffId: digest,
      uncompressedSize: size,
      ...scanned,
      toc: bytes,
    },
    transfer: [bytes.buffer as ArrayBuffer],
  }
}
