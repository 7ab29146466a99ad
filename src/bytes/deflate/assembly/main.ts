/**
 * The inner loops of the deflate encoder, in AssemblyScript: two searches for matches, and the writing of codes. What
 * calls them is ../engine.ts. The build compiles them into encoder.wasm beside that; for the other compiler and the
 * linter, which know neither their types nor their decorators, they are not there.
 *
 * They calculate with integers alone: the result is the same on every machine.
 */
export {
  distanceCodes,
  distanceRanges,
  distanceSymbols,
  distances,
  input,
  lengthCodes,
  lengthSymbols,
  literalCodes,
  literals,
  output,
} from './memory'
export { beginQuick, searchQuick } from './quick-search'
export { count } from './sequences'
export { beginThorough, searchThorough } from './thorough-search'
export { rest, restBits, write } from './write'
