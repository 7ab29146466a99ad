/**
 * The one place that knows zlib-sync, an inflater that answers at once: what sniffing wants, where a stream
 * would be ceremony. It is an optional, compiled package; where it is missing, node:zlib does the same.
 *
 * Version 0.1.10 has three traps. It must be pushed with Z_SYNC_FLUSH: with Z_NO_FLUSH and a large output it
 * writes past its buffer. One push has no limit on its output: so never more than 16 KiB go in at a time,
 * which inflate to 16 MiB at the most. It stops at the end of the first member: enough for a look inside.
 */
import { createRequire } from 'node:module'

type ZlibSync = typeof import('zlib-sync')

const sliceLength = 16 * 1024

const load = (): ZlibSync | undefined => {
  try {
    return createRequire(import.meta.url)('zlib-sync') as ZlibSync
  } catch {
    return undefined
  }
}

let library: { readonly value: ZlibSync | undefined } | undefined

/** The first bytes, at most `maxBytes`, of what the gzip data that begins with `bytes` inflates to; as many as they tell. */
export const inflateHead = (bytes: Uint8Array, maxBytes: number): Buffer => {
  library ??= { value: load() }
  const head = Buffer.from(bytes.subarray(0, sliceLength))
  const inflated = library.value ? withZlibSync(library.value, head) : withNode(head, maxBytes)
  return inflated.subarray(0, maxBytes)
}

const withZlibSync = (zlib: ZlibSync, head: Buffer): Buffer => {
  // 31: a gzip header is expected.
  const inflate = new zlib.Inflate({ windowBits: 31, chunkSize: 64 * 1024 })
  inflate.push(head, zlib.Z_SYNC_FLUSH)
  return inflate.err >= 0 && Buffer.isBuffer(inflate.result) ? inflate.result : Buffer.alloc(0)
}

const withNode = (head: Buffer, maxBytes: number): Buffer => {
  // Loaded only where the package is missing.
  const { constants, gunzipSync } = process.getBuiltinModule('node:zlib')
  try {
    return gunzipSync(head, {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: Math.max(maxBytes, 32 << 20),
    })
  } catch {
    return Buffer.alloc(0)
  }
}
