/**
 * Every limit on what comes from outside. Bytes unless the name says otherwise. The figures follow what the
 * strictest of the well-known tools can live with on real images.
 */
export const limits = {
  /** manifest.json, index.json, oci-layout, repositories of an archive. */
  archiveDocument: 20 * 1024 * 1024,
  manifest: 8 * 1024 * 1024,
  config: 8 * 1024 * 1024,
  /** All small documents of one archive that are held in memory together. */
  heldDocuments: 64 * 1024 * 1024,
  jsonDepth: 64,
  jsonKeys: 100_000,
  /** One PAX header, GNU long name or long link. */
  tarMetadata: 1024 * 1024,
  sparseRegions: 65_536,
  path: 4096,
  pathComponent: 255,
  pathDepth: 1024,
  symlinksFollowed: 40,
  entriesPerLayer: 4_000_000,
  layersPerImage: 512,
  /** Index documents nested in one another. */
  indexDepth: 8,
  uncompressedLayer: 64 * 1024 ** 3,
  /** A ratio above this is a bomb once the output has passed `bombFloor`. */
  compressionRatio: 100_000,
  bombFloor: 1024 ** 3,
  compressionWindow: 128 * 1024 * 1024,
  /** Compressions around one another. */
  compressionNesting: 4,
} as const
