/**
 * Deflate (RFC 1951) of blocks that are joined later. The search for matches and the writing of codes are in
 * WebAssembly (engine.ts); here a run of symbols gets its codes, and whichever form of block is shortest.
 */
import { alignToByte, type BitWriter, bitWriter, putBits } from './bit-writer.js'
import { describeCodes } from './describe-codes.js'
import { type DeflateEngine, deflateEngine, type Effort } from './engine.js'
import { codeOfLengths, type HuffmanCode, huffmanCode } from './huffman-code.js'
import {
  distanceCount,
  distanceExtraBits,
  endOfBlock,
  lengthExtraBits,
  lengthSymbols,
  literalCount,
  maxLength,
  minLength,
} from './symbols.js'

/** The most that can be compressed at a time. */
export const deflateLimit = 1 << 20

/** By level from 1. */
const efforts: readonly Effort[] = [
  { depth: 0, nice: 16, lazy: 0, patience: 5 },
  { depth: 1, nice: 16, lazy: 0, patience: 5 },
  { depth: 1, nice: 16, lazy: 8, patience: 6 },
  { depth: 2, nice: 16, lazy: 8, patience: 6 },
  { depth: 3, nice: 16, lazy: 8, patience: 6 },
  { depth: 4, nice: 24, lazy: 8, patience: 6 },
  { depth: 16, nice: 30, lazy: 'thorough', patience: 6 },
  { depth: 64, nice: 96, lazy: 'thorough', patience: 9 },
  { depth: 1024, nice: 258, lazy: 'thorough', patience: 12 },
]

/** Enough to pay for the description of their codes, few enough that those fit. */
const symbolsPerBlock = 24_000

let engine: DeflateEngine | undefined

/** Memory that deflateBlocks need not copy: for what stands before the content from its beginning on, then the content. */
export const deflateInput = (): Uint8Array => {
  engine ??= deflateEngine()
  return engine.input
}

/**
 * `content` (deflateLimit bytes at most) at level 0 to 9 as blocks none of which is the last one, up to a whole
 * byte: what is made of several can be joined. Matches may refer back into `before`, 32 KiB at most.
 */
export const deflateBlocks = (
  content: Uint8Array,
  before: Uint8Array,
  level: number,
): Uint8Array<ArrayBuffer> => {
  engine ??= deflateEngine()
  const writer = bitWriter(engine.output)
  if (level === 0) writeStored(writer, content)
  else writeBlocks(engine, writer, content, before, efforts[level - 1]!)
  // An empty stored block ends on a whole byte: what zlib calls a sync flush.
  writeStored(writer, new Uint8Array(0))
  return engine.output.slice(0, writer.length) as Uint8Array<ArrayBuffer>
}

const writeBlocks = (
  engine: DeflateEngine,
  writer: BitWriter,
  content: Uint8Array,
  before: Uint8Array,
  effort: Effort,
): void => {
  const { input, literals, distances } = engine
  const end = before.length + content.length
  if (content.buffer !== input.buffer) {
    input.set(before)
    input.set(content, before.length)
  }
  engine.begin(before.length, end, effort)
  for (let start = before.length; start < end; ) {
    literals.fill(0)
    distances.fill(0)
    const found = engine.search(end, effort, symbolsPerBlock)
    literals[endOfBlock] = 1
    writeBlock(engine, writer, start, found.count, input.subarray(start, found.end))
    start = found.end
  }
}

/** One block in whichever of the three forms is the shortest: section 3.2.3. `content` is what its symbols stand for. */
const writeBlock = (
  engine: DeflateEngine,
  writer: BitWriter,
  start: number,
  count: number,
  content: Uint8Array,
): void => {
  const literals = huffmanCode(engine.literals, 15)
  const distances = huffmanCode(engine.distances, 15)
  const description = describeCodes(literals, distances)
  const dynamic = description.bits + bitsOf(engine, literals, distances)
  const fixed = 3 + bitsOf(engine, fixedLiterals, fixedDistances)
  const stored = 8 * (content.length + 5 * Math.ceil(content.length / storedLimit))
  if (stored <= Math.min(dynamic, fixed)) writeStored(writer, content)
  else if (fixed <= dynamic) {
    putBits(writer, 0b010, 3)
    writeSymbols(engine, writer, start, count, fixedLiterals, fixedDistances)
  } else {
    description.write(writer)
    writeSymbols(engine, writer, start, count, literals, distances)
  }
}

const writeSymbols = (
  engine: DeflateEngine,
  writer: BitWriter,
  start: number,
  count: number,
  literals: HuffmanCode,
  distances: HuffmanCode,
): void => {
  Object.assign(writer, engine.write(writer, start, count, literals, distances))
  putBits(writer, literals.codes[endOfBlock]!, literals.lengths[endOfBlock]!)
}

const storedLimit = 65535

/** As stored blocks, one at least: section 3.2.4. */
const writeStored = (writer: BitWriter, content: Uint8Array): void => {
  for (let at = 0; at === 0 || at < content.length; at += storedLimit) {
    const piece = content.subarray(at, at + storedLimit)
    putBits(writer, 0b000, 3)
    alignToByte(writer)
    putBits(writer, piece.length, 16)
    putBits(writer, piece.length ^ 0xffff, 16)
    writer.bytes.set(piece, writer.length)
    writer.length += piece.length
  }
}

/** Section 3.2.6. */
const fixedLiterals = codeOfLengths(
  Uint8Array.from({ length: 288 }, (_, symbol) =>
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  ),
)
const fixedDistances = codeOfLengths(new Uint8Array(30).fill(5))

/** How many bits the symbols of a block take. */
const bitsOf = (
  { literals, distances }: DeflateEngine,
  literalCode: HuffmanCode,
  distanceCode: HuffmanCode,
): number => {
  let bits = 0
  for (let symbol = 0; symbol < literalCount; symbol++)
    bits += literals[symbol]! * (literalCode.lengths[symbol]! + extraOfSymbol[symbol]!)
  for (let symbol = 0; symbol < distanceCount; symbol++)
    bits += distances[symbol]! * (distanceCode.lengths[symbol]! + distanceExtraBits[symbol]!)
  return bits
}

const extraOfSymbol = new Uint8Array(literalCount)
for (let length = minLength; length <= maxLength; length++)
  extraOfSymbol[lengthSymbols[length]!] = lengthExtraBits[length]!
