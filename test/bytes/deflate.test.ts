import { inflateRawSync } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import { deflateBlocks, deflateLimit } from '../../src/bytes/deflate/encode.js'
import { huffmanCode } from '../../src/bytes/deflate/huffman-code.js'
import { randomFrom } from '../helpers/generate.js'

/** With the empty last block that deflateBlocks leaves to its caller. */
const inflate = (...blocks: readonly Uint8Array[]) =>
  inflateRawSync(Buffer.concat([...blocks, Buffer.from([3, 0])]))
const nothing = new Uint8Array(0)

const random = randomFrom(42)
const noise = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))

test('deflateBlocks: zlib reads what it writes of anything at any level, also when it refers back', t => {
  // Few different bytes and repeats: matches of every length and near distance.
  const bytes = fc
    .array(fc.tuple(fc.uint8Array({ maxLength: 40, max: 3 }), fc.integer({ min: 1, max: 30 })), {
      maxLength: 30,
    })
    .map(parts => Buffer.concat(parts.flatMap(([part, times]) => Array<Uint8Array>(times).fill(part))))
  fc.assert(
    fc.property(bytes, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(9), (all, part, level) => {
      const cut = Math.floor(all.length * part)
      const before = all.subarray(Math.max(0, cut - 32768), cut)
      const first = deflateBlocks(all.subarray(0, cut), nothing, level)
      t.true(inflate(first, deflateBlocks(all.subarray(cut), before, level)).equals(all))
    }),
    { numRuns: 300 },
  )
})

test('deflateBlocks: noise is stored and costs next to nothing', t => {
  const content = noise(deflateLimit)
  const made = deflateBlocks(content, nothing, 6)
  t.true(inflate(made).equals(content))
  t.true(made.length < content.length + 400)
})

test('deflateBlocks: a byte again and again, up to the most that is taken at a time', t => {
  const content = Buffer.alloc(deflateLimit, 'x')
  for (const level of [1, 6, 9]) {
    const made = deflateBlocks(content, content.subarray(0, 32768), level)
    t.true(made.length < 1500, `${made.length}`)
    const first = deflateBlocks(content.subarray(0, 32768), nothing, level)
    t.is(inflate(first, made).length, content.length + 32768)
  }
})

test('deflateBlocks: matches at the edge of the window and none beyond it, by either search', t => {
  for (const level of [6, 7])
    for (const distance of [32766, 32767, 32768, 32769]) {
      const pattern = noise(300)
      const content = Buffer.concat([pattern, noise(distance - 300), pattern])
      t.true(inflate(deflateBlocks(content, nothing, level)).equals(content), `${distance}`)
      const before = content.subarray(0, distance).subarray(-32768)
      const first = deflateBlocks(content.subarray(0, distance), nothing, level)
      t.true(inflate(first, deflateBlocks(pattern, before, level)).equals(content), `${distance}`)
    }
})

test('deflateBlocks: an encoder remembers nothing of what it did before', t => {
  const content = Buffer.from('to be or not to be, that is the question. '.repeat(400))
  for (const level of [6, 7]) {
    const made = deflateBlocks(content, nothing, level)
    deflateBlocks(noise(50_000), noise(32768), level)
    deflateBlocks(noise(50_000), noise(32768), 13 - level)
    t.deepEqual(deflateBlocks(content, nothing, level), made)
  }
})

test('deflateBlocks: what lies 64 KiB and more back is not mistaken for what is near', t => {
  const pattern = noise(400)
  for (const distance of [65536, 65537, 98304, 131072]) {
    const content = Buffer.concat([pattern, noise(distance - 400), pattern, pattern])
    t.true(inflate(deflateBlocks(content, nothing, 6)).equals(content), `${distance}`)
  }
})

test('huffmanCode: complete and within its limit, also for frequencies that want far longer codes', t => {
  const fibonacci = [1, 1]
  while (fibonacci.length < 28) fibonacci.push(fibonacci.at(-1)! + fibonacci.at(-2)!)
  for (const [frequencies, limit] of [
    [fibonacci, 15],
    [fibonacci.slice(0, 19), 7],
    [Array<number>(286).fill(1), 15],
    [[0, 0, 5, 0], 15],
    [[0, 0, 0], 7],
  ] as const) {
    const { lengths, codes } = huffmanCode(Int32Array.from(frequencies), limit)
    const used = [...lengths].filter(length => length > 0)
    t.true(Math.max(...used) <= limit)
    t.is(
      used.reduce((sum, length) => sum + 2 ** -length, 0),
      1,
    )
    // As read, first bit first, no code begins another.
    const texts = [...lengths].flatMap((length, symbol) =>
      length === 0 ? [] : [[...codes[symbol]!.toString(2).padStart(length, '0')].reverse().join('')],
    )
    for (const text of texts) t.is(texts.filter(other => other.startsWith(text)).length, 1)
    frequencies.forEach((frequency, symbol) => {
      if (frequency > 0) t.true(lengths[symbol]! > 0)
    })
  }
})
