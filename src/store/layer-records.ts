import { randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MeasuredLayer } from '../layer/measure.js'
import type { Toc } from '../layer/toc.js'
import { decodeToc, encodeToc } from '../layer/toc-file.js'
import { type Digest, isDigest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import { digestPath, type StorePlaces } from './places.js'

/**
 * What was learnt of a layer when it was measured: its table of contents under the DiffID and, where it is
 * stored compressed, the DiffID under the blob's digest. Caches: not synced, made again when they do not serve.
 */
export const keepMeasured = async (
  places: StorePlaces,
  measured: MeasuredLayer,
  lease: string,
): Promise<void> => {
  await put(places, digestPath(places.tocs, measured.diffId), encodeToc(measured.toc), lease)
  if (measured.digest !== measured.diffId)
    await put(places, digestPath(places.diffIds, measured.digest), measured.diffId, lease)
}

/** The kept table of contents, if it can be used. */
export const keptToc = async (places: StorePlaces, diffId: Digest): Promise<Toc | undefined> => {
  const bytes = await readFile(digestPath(places.tocs, diffId)).catch(() => undefined)
  if (bytes === undefined) return undefined
  try {
    return decodeToc(bytes, diffId)
  } catch (error) {
    if (error instanceof LadingError && error.code === 'STORE_CORRUPT') return undefined
    throw error
  }
}

/** The DiffID that a blob was found to have; undefined where it was never measured. */
export const keptDiffId = async (places: StorePlaces, blob: Digest): Promise<Digest | undefined> => {
  const text = (await readFile(digestPath(places.diffIds, blob), 'utf8').catch(() => '')).trim()
  return isDigest(text) ? text : undefined
}

const put = async (
  places: StorePlaces,
  path: string,
  content: Uint8Array | string,
  lease: string,
): Promise<void> => {
  // The lease's name in it tells a collection that somebody is at it.
  const draft = join(places.temporary, `record-${lease}-${randomUUID()}`)
  await writeFile(draft, content, { mode: 0o600 })
  await rename(draft, path)
}
