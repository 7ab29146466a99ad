import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { drain } from '../bytes/collect.js'
import type { Root } from '../image/interfaces.js'
import { decodeToc } from '../layer/toc-file.js'
import { type Digest, isDigest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import { isForeignLayer } from '../spec/media-types.js'
import { familiarName } from '../spec/reference.js'
import { blobSize, openBlob } from './blobs.js'
import { readLeases } from './lease.js'
import { digestPath, type StorePlaces } from './places.js'
import { type Reached, references } from './reachable.js'
import { readRoots, writeRoots } from './store-index.js'
import { listBlobs } from './sweep.js'

export interface StoreProblem {
  /** A blob, an image, or a file of the store. */
  readonly where: string
  readonly problem: string
}

/**
 * Read every byte of the store: each blob against its digest, every document, every reference and its size,
 * every table of contents, every file that should not be there. With `repair`, blobs and tables that are
 * broken are removed, and images that have lost something are taken out of the index. Under the exclusive lock.
 */
export const checkStore = async (
  places: StorePlaces,
  { repair = false } = {},
): Promise<readonly StoreProblem[]> => {
  const problems: StoreProblem[] = []
  const note = (where: string, problem: string) => problems.push({ where, problem })

  for (const digest of await listBlobs(places)) {
    const problem = await blobProblem(places, digest)
    if (problem === undefined) continue
    note(digest, problem)
    if (repair) await rm(digestPath(places.blobs, digest), { force: true })
  }
  for (const { path, problem } of await tableProblems(places)) {
    note(path, problem)
    if (repair) await rm(path, { force: true })
  }
  const whole: Root[] = []
  const roots = await readRoots(places)
  for (const root of roots) {
    const found = await rootProblems(places, root)
    if (found.length === 0) whole.push(root)
    const where = root.names.map(familiarName).join(', ') || root.descriptor.digest
    for (const problem of found) note(where, problem)
  }
  if (repair && whole.length < roots.length) await writeRoots(places, whole)
  for (const path of await strayFiles(places)) note(path, 'nothing of a store is called that')
  return problems
}

/** The images that lack something, which is not so for what was never there on purpose. */
export const withoutIncomplete = async (
  places: StorePlaces,
  roots: readonly Root[],
): Promise<readonly Root[]> => {
  const whole: Root[] = []
  for (const root of roots) if ((await rootProblems(places, root)).length === 0) whole.push(root)
  return whole
}

const blobProblem = async (places: StorePlaces, digest: Digest): Promise<string | undefined> => {
  try {
    await drain(openBlob(places, { digest, size: (await blobSize(places, digest))! }))
    return undefined
  } catch (error) {
    if (error instanceof LadingError) return error.message
    throw error
  }
}

const tableProblems = async (places: StorePlaces): Promise<{ path: string; problem: string }[]> => {
  const found: { path: string; problem: string }[] = []
  for (const hex of await readdir(join(places.tocs, 'sha256'))) {
    const path = join(places.tocs, 'sha256', hex)
    try {
      decodeToc(await readFile(path), `sha256:${hex}`)
    } catch (error) {
      found.push({ path, problem: (error as Error).message })
    }
  }
  for (const hex of await readdir(join(places.diffIds, 'sha256'))) {
    const path = join(places.diffIds, 'sha256', hex)
    const text = (await readFile(path, 'utf8')).trim()
    if (!isDigest(text))
      found.push({ path, problem: `found ${JSON.stringify(visible(text.slice(0, 80)))}, wanted a DiffID` })
  }
  return found
}

const rootProblems = async (places: StorePlaces, root: Root): Promise<string[]> => {
  const found: string[] = []
  try {
    for await (const reached of references(places, root)) {
      const problem = await referenceProblem(places, reached)
      if (problem !== undefined) found.push(problem)
    }
  } catch (error) {
    if (!(error instanceof LadingError)) throw error
    found.push(error.message)
  }
  return found
}

/** An index may list manifests that were never brought, and a foreign layer may be absent. */
const referenceProblem = async (
  places: StorePlaces,
  { descriptor, path }: Reached,
): Promise<string | undefined> => {
  const size = await blobSize(places, descriptor.digest)
  const parent = path.at(-1)
  if (size === undefined) {
    const sparse = parent !== undefined && /index|manifest\.list/.test(parent.mediaType)
    return sparse || isForeignLayer(descriptor.mediaType)
      ? undefined
      : `the blob ${descriptor.digest} is missing`
  }
  return size === descriptor.size
    ? undefined
    : `the blob ${descriptor.digest} has ${size} bytes, wanted ${descriptor.size}`
}

const strayFiles = async (places: StorePlaces): Promise<string[]> => {
  const strays: string[] = []
  for (const folder of [places.blobs, places.tocs, places.diffIds])
    for (const algorithm of await readdir(folder))
      for (const name of await readdir(join(folder, algorithm)))
        if (!isDigest(`${algorithm}:${name}`)) strays.push(join(folder, algorithm, name))
  const { ids } = await readLeases(places)
  for (const name of await readdir(places.temporary))
    if (![...ids].some(id => name.includes(id))) strays.push(join(places.temporary, name))
  return strays
}
