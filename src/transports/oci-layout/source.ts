import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { openFile } from '../../bytes/file-source.js'
import { OpenFiles } from '../../bytes/open-files.js'
import { verified } from '../../bytes/verified.js'
import type { FileBacked, ImageSource, Root } from '../../image/interfaces.js'
import { algorithmOf, type Digest, hexOf } from '../../spec/digest.js'
import { LadingError } from '../../spec/errors.js'
import { limits } from '../../spec/limits.js'
import { readLayout } from '../layout/read-layout.js'

/**
 * An OCI layout in a folder. Blobs may be links, as in the official images of busybox, as long as they lead to
 * regular files within the layout: one that leads out would hand a file of this machine on to whoever gets
 * the image. Throws NOT_AN_IMAGE where there is no layout.
 */
export const openOciLayout = async (path: string): Promise<ImageSource & FileBacked> => {
  const base = await realpath(path).catch(cause => {
    throw new LadingError('NOT_FOUND', `There is no folder ${path}`, { cause })
  })
  const files = new OpenFiles()

  /** Where a file of the layout really is; undefined where there is none. */
  const locate = async (name: string): Promise<string | undefined> => {
    const target = await realpath(join(base, name)).catch(() => undefined)
    if (target === undefined) return undefined
    if (!target.startsWith(base + sep))
      throw new LadingError('NOT_AN_IMAGE', `${name} in ${path} is a link that leads out of the layout`, {
        data: { name },
      })
    if ((await stat(target)).isFile()) return target
    throw new LadingError('NOT_AN_IMAGE', `${name} in ${path} is not a regular file`)
  }
  const locateBlob = (digest: Digest) => locate(join('blobs', algorithmOf(digest), hexOf(digest)))
  const document = async (name: string): Promise<Buffer> => {
    const target = await locate(name)
    if (target === undefined) throw new LadingError('BLOB_MISSING', `${name} is not in ${path}`)
    await using file = await openFile(target)
    if (file.size <= limits.archiveDocument) return await file.read({ offset: 0, length: file.size })
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Cannot read ${name} in ${path}: ${file.size} bytes, at most ${limits.archiveDocument} are allowed`,
    )
  }
  let roots: Promise<readonly Root[]> | undefined
  return {
    place: path,
    format: 'oci-layout',
    warnings: [],
    roots: async () => {
      roots ??= readLayout({ place: path, document })
      return roots
    },
    hasBlob: async digest => (await locateBlob(digest)) !== undefined,
    regionOf: async digest => {
      const target = await locateBlob(digest)
      return target === undefined ? undefined : files.whole(target)
    },
    async *openBlob(blob, { range, unchecked = false } = {}) {
      const target = await locateBlob(blob.digest)
      if (target === undefined)
        throw new LadingError('BLOB_MISSING', `The blob ${blob.digest} is not in ${path}`, {
          data: { digest: blob.digest },
        })
      await using file = await openFile(target)
      if (range || unchecked) yield* file.stream(range)
      else yield* verified(file.stream(), blob, `blob ${blob.digest} of ${path}`)
    },
    [Symbol.asyncDispose]: async () => files[Symbol.dispose](),
  }
}
