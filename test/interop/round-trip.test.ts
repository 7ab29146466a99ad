import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { LadingError } from '../../src/spec/errors.js'
import { openStore } from '../../src/store/store.js'
import { load } from '../../src/verbs/load.js'
import { save } from '../../src/verbs/save.js'

// Every image of the corpus that loads: load, save, load again, save again. Real archives by many tools.
const corpus = process.env.LADING_CORPUS
const folder = mkdtempSync(join(tmpdir(), 'round-trip-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const items = () =>
  readFileSync(join(corpus!, 'INDEX.tsv'), 'utf8')
    .split('\n')
    .slice(1)
    .map(line => line.split('\t'))
    .filter(([, , kind]) => /archive|layout/.test(kind ?? ''))
    .map(([path, , kind]) => ({ path: path!, kind: kind! }))

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

/** Load into a store of its own, save everything; what the images are, and the hash of the file. */
const trip = async (input: string, name: string) => {
  const store = await openStore(join(folder, name), { create: true })
  const { images } = await load({ input, store })
  const output = join(folder, `${name}.tar`)
  const digests = [...new Set(images.map(image => image.digest))]
  await save({ places: digests, output, format: 'both', storeDirectory: store.directory })
  const ids = images.map(({ digest, ids }) => `${digest} ${ids}`)
  return { output, hash: await hashOf(output), ids: [...new Set(ids)].sort() }
}

;(corpus ? test.serial : test.serial.skip)(
  `save then load keeps every digest of every corpus image, and save twice gives the same bytes${corpus ? '' : ' [skipped: LADING_CORPUS is not set]'}`,
  async t => {
    const refused: string[] = []
    let kept = 0
    for (const [index, { path, kind }] of items().entries()) {
      let first: Awaited<ReturnType<typeof trip>>
      try {
        first = await trip(join(corpus!, path), `${index}-a`)
      } catch (error) {
        if (!(error instanceof LadingError)) throw new Error(`${path}: ${error}`, { cause: error })
        refused.push(`${kind} ${path}: ${error.code} ${error.message}`)
        continue
      }
      const second = await trip(first.output, `${index}-b`)
      t.deepEqual(second.ids, first.ids, path)
      t.is(second.hash, first.hash, path)
      kept++
      for (const name of [`${index}-a`, `${index}-b`, `${index}-a.tar`, `${index}-b.tar`])
        rmSync(join(folder, name), { recursive: true, force: true })
    }
    t.log(`${kept} kept, ${refused.length} refused:\n${refused.join('\n')}`)
    t.true(kept > 60)
  },
)
