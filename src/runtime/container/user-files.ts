import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { largestUserFile, type ReadUserFile } from '../users.js'
import type { OpenedImage } from './image.js'
import type { ContainersPlaces } from './places.js'
import { identify } from './process-identity.js'
import { readRecordFile } from './record-file.js'

const names = ['/etc/passwd', '/etc/group'] as const

/**
 * /etc/passwd and /etc/group of an image as they were read for a container before, so that the image's files need not be listed
 * again for the next. Only for containers that have changed nothing yet. What is kept goes by what the image is known by: in the store its
 * config, whose layers were checked; of an archive also the file's identity, as its layers are not.
 */
export const keptUserFiles = (
  all: ContainersPlaces,
  image: OpenedImage,
  read: ReadUserFile,
): ReadUserFile => {
  const key = keyOf(image)
  if (key === undefined) return read
  const path = join(all.userFiles, key)
  let files: Promise<Readonly<Record<string, string | null>>> | undefined
  return async wanted => {
    files ??= readKept(path, read)
    const text = (await files)[wanted]
    return text === null || text === undefined ? undefined : Buffer.from(text, 'latin1')
  }
}

const readKept = async (
  path: string,
  read: ReadUserFile,
): Promise<Readonly<Record<string, string | null>>> => {
  const kept = readRecordFile(path) as Record<string, string | null> | undefined
  if (kept) return kept
  const files: Record<string, string | null> = {}
  let isKept = true
  for (const name of names) {
    const bytes = await read(name)
    files[name] = bytes === undefined ? null : Buffer.from(bytes).toString('latin1')
    isKept &&= (bytes?.length ?? 0) <= largestUserFile
  }
  if (isKept) keep(path, files)
  return files
}

const keep = (path: string, files: Readonly<Record<string, string | null>>): void => {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, JSON.stringify(files), { mode: 0o600 })
  renameSync(draft, path)
}

/** Remove what is kept, which is made again in no time; not what somebody is just writing. */
export const removeKeptUserFiles = ({ userFiles }: ContainersPlaces): void => {
  if (!existsSync(userFiles)) return
  for (const name of readdirSync(userFiles)) {
    const [, writer] = /\.(\d+)$/.exec(name) ?? []
    if (writer === undefined || !identify(Number(writer))) rmSync(join(userFiles, name), { force: true })
  }
}

const keyOf = ({ source, described }: OpenedImage): string | undefined => {
  const hash = createHash('sha256').update(`${described.id} ${described.manifest}`)
  if (source.format !== 'store') {
    const file = statSync(described.place.replace(/^[a-z-]+:/, ''), { bigint: true, throwIfNoEntry: false })
    if (!file?.isFile()) return undefined
    hash.update(`${file.dev} ${file.ino} ${file.size} ${file.mtimeNs}`)
  }
  return hash.digest('hex')
}
