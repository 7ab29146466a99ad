import test from 'ava'
import fc from 'fast-check'
import { normalPath, PathTrail } from '../../src/layer/path-trail.js'
import type { Toc } from '../../src/layer/toc.js'
import { TocBuilder } from '../../src/layer/toc-builder.js'
import { normalizePath } from '../../src/tar/names.js'
import { encodeEntry, endOfArchive } from '../../src/tar/write.js'
import { scan } from '../tar/raw-tar.js'

const tocOf = (paths: readonly string[]): Toc => {
  const builder = new TocBuilder()
  const headers = paths.map(path => encodeEntry({ path: Buffer.from(path, 'latin1'), type: 'fifo' }))
  for (const entry of scan(Buffer.concat([...headers, endOfArchive]))) builder.add(entry)
  return builder.finish(0)
}

const part = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'usr', 'usr2', 'x'.repeat(90), '\xe4'),
  fc.constantFrom('', '.', '..', '.a', '...', '.wh.a', '..b'),
)
const path = fc
  .array(part, { minLength: 1, maxLength: 6 })
  .map(parts => parts.join('/'))
  .filter(path => path !== '')

test('PathTrail: splits what is normal as normalizePath does, and knows the folders of the path before', t => {
  fc.assert(
    fc.property(fc.array(fc.tuple(path, fc.boolean()), { maxLength: 12 }), paths => {
      const toc = tocOf(paths.map(([path]) => path))
      const trail = new PathTrail<string>()
      trail.open(toc)
      for (const [index, [raw, forget]] of paths.entries()) {
        const wanted = normalPath(toc, index)
        if (!trail.seek(index)) {
          const bytes = Buffer.from(raw, 'latin1')
          t.true(wanted === '' || wanted.length > 255 || normalizePath(bytes) !== bytes, raw)
          continue
        }
        let at = trail.known() ?? ''
        for (let part = trail.next(); part !== undefined; part = trail.next()) {
          at = at === '' ? part : `${at}/${part}`
          trail.passed(at)
        }
        t.is(at, trail.folder())
        t.is(at === '' ? trail.name() : `${at}/${trail.name()}`, wanted, raw)
        if (forget) trail.forget()
      }
    }),
    { numRuns: 2000 },
  )
})

test('PathTrail: finds the paths that hold a text, and those alone', t => {
  const toc = tocOf(['a', '.wh.a', 'b/.wh.b/c', 'wh', '.wh', '.', 'x.wh.', 'last'])
  const trail = new PathTrail<string>()
  trail.open(toc)
  t.deepEqual(trail.indexesWith('.wh.'), [1, 2, 6])
})
