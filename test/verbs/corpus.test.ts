import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { LadingError } from '../../src/spec/errors.js'
import { inspect } from '../../src/verbs/inspect.js'
import { verify } from '../../src/verbs/verify.js'

// Every item of the corpus through inspect and verify: an answer, or an error with a name.
const corpus = process.env.LADING_CORPUS

const isGzip = (path: string): boolean =>
  statSync(path).isFile() &&
  readFileSync(path)
    .subarray(0, 2)
    .equals(Buffer.from([0x1f, 0x8b]))

/** What other tools opened when the corpus was made and cannot be opened as it lies here: its links have become texts. */
const lostLinks = /^docker-library\+busybox\/.*\/(?:amd64|arm64v8)$/

;(corpus ? test : test.skip)(
  `inspect and verify: every corpus item is an answer or a named error${corpus ? '' : ' [skipped: LADING_CORPUS is not set]'}`,
  async t => {
    const items = readFileSync(join(corpus!, 'INDEX.tsv'), 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.split('\t'))
      .filter(([path, , kind]) => path && kind)
    const table = new Map<string, number>()
    const count = (key: string) => table.set(key, (table.get(key) ?? 0) + 1)
    const refused: string[] = []
    const gzip = { all: 0, opened: 0 }
    for (const [path, , kind, , , , , , note = ''] of items) {
      const place = join(corpus!, path!)
      const attempt = async (what: string, work: () => Promise<string>): Promise<string> => {
        const started = Date.now()
        let outcome: string
        try {
          outcome = await work()
        } catch (error) {
          if (!(error instanceof LadingError)) throw new Error(`${what} ${path}: ${(error as Error).stack}`)
          outcome = error.code
        }
        t.true(Date.now() - started < 20_000, `${what} ${path}`)
        count(`${kind!.padEnd(40)} ${what.padEnd(8)} ${outcome}`)
        return outcome
      }
      const opened = await attempt('inspect', async () => {
        const { kind, images } = await inspect({ place })
        return /archive|layout/.test(kind)
          ? images.some(image => image.problems.length > 0)
            ? 'image with problems'
            : 'image'
          : `says ${kind}`
      })
      await attempt('verify', async () =>
        (await verify({ place })).findings.length === 0 ? 'right' : 'findings',
      )
      const isImage = /archive|layout/.test(kind!)
      if (
        isImage &&
        /skopeo(?: oci| docker)? ok/.test(note) &&
        !lostLinks.test(path!) &&
        !opened.startsWith('image')
      )
        refused.push(`${path}: ${opened}`)
      if (isImage && isGzip(place)) {
        gzip.all++
        if (opened.startsWith('image')) gzip.opened++
      }
    }
    t.log(
      `${items.length} items:\n${[...table]
        .sort()
        .map(([key, number]) => `${String(number).padStart(4)}  ${key}`)
        .join('\n')}`,
    )
    t.log(`gzip around the whole: ${gzip.opened} of ${gzip.all} opened`)
    t.deepEqual(refused, [], 'what skopeo opens, lading opens')
  },
)
