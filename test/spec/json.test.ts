import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { LadingError } from '../../src/spec/errors.js'
import { isObject, parseJson } from '../../src/spec/json.js'

const parse = (text: string | Uint8Array, duplicates: 'reject' | 'last' = 'reject') =>
  parseJson(Buffer.from(text), { what: 'test', maxBytes: 1 << 20, duplicates })
const codeOf = (text: string | Uint8Array): string => {
  try {
    parse(text)
    return 'none'
  } catch (error) {
    return error instanceof LadingError ? error.code : `DEFECT ${error}`
  }
}

test('parseJson: reads what JSON.stringify writes', t => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), value =>
      t.deepEqual(
        JSON.parse(JSON.stringify(parse(JSON.stringify(value), 'last'))),
        JSON.parse(JSON.stringify(value)),
      ),
    ),
  )
  t.pass()
})

test('parseJson: any text is a value or a LadingError', t => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => !codeOf(text).startsWith('DEFECT')))
  fc.assert(fc.property(fc.uint8Array(), bytes => !codeOf(bytes).startsWith('DEFECT')))
  t.pass()
})

test('parseJson: depth, keys and size are bounded', t => {
  t.is(codeOf('['.repeat(100_000)), 'LIMIT_EXCEEDED')
  t.is(codeOf('{"a":'.repeat(100)), 'LIMIT_EXCEEDED')
  t.is(codeOf(`{${Array.from({ length: 100_001 }, (_, index) => `"${index}":0`).join()}}`), 'LIMIT_EXCEEDED')
  t.is(codeOf(' '.repeat((1 << 20) + 1)), 'LIMIT_EXCEEDED')
})

test('parseJson: a key that stands twice is refused, and __proto__ is a key like any other', t => {
  t.is(codeOf('{"layers":[],"layers":[1]}'), 'BAD_JSON')
  const value = parse('{"__proto__":{"polluted":true},"constructor":1}')
  t.true(isObject(value) && Object.hasOwn(value, '__proto__'))
  t.is(({} as { polluted?: boolean }).polluted, undefined)
})

test('parseJson: a byte order mark, UTF-16 and bad UTF-8 are named', t => {
  t.throws(() => parse('\ufeff{}'), { message: /byte order mark/ })
  t.throws(() => parse(Buffer.from('\ufeff{}', 'utf16le')), { message: /UTF-16/ })
  t.throws(() => parse(Buffer.from([0x22, 0xff, 0x22])), { message: /not UTF-8/ })
})

test('parseJson: an error says where', t => {
  t.throws(() => parse('{\n  "a": nope}'), {
    message: 'Cannot read test: found "n", wanted a value at line 2, column 8',
  })
})

const suite = process.env.LADING_CORPUS && join(process.env.LADING_CORPUS, 'nst+JSONTestSuite')
;(suite ? test : test.skip)(
  `parseJson: JSONTestSuite${suite ? '' : ' [skipped: LADING_CORPUS is not set]'}`,
  t => {
    let count = 0
    for (const name of readdirSync(suite!, { recursive: true, encoding: 'utf8' })) {
      const kind = /(?:^|\/)([yni])_[^/]*\.json$/.exec(name)?.[1]
      if (kind === undefined) continue
      count++
      let accepted = true
      try {
        parse(readFileSync(join(suite!, name)), 'last')
      } catch (error) {
        if (!(error instanceof LadingError)) throw error
        accepted = false
      }
      if (kind === 'y') t.true(accepted, name)
      if (kind === 'n') t.false(accepted, name)
    }
    t.log(`${count} files`)
    t.true(count > 300)
  },
)
