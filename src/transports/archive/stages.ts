import { openSpoolFile } from '../../bytes/spool-file.js'
import type { BlobStage } from '../../image/stage.js'
import { measureLayer } from '../../layer/measure.js'

/** Keeps what was measured and lets the bytes go by. */
export const measuringStage: BlobStage = {
  stage: async (stream, what) => ({ measured: await measureLayer(stream, what) }),
}

/** Keeps the bytes as well, in a temporary file without a name. */
export const openSpoolStage = async (): Promise<BlobStage & AsyncDisposable> => {
  const spool = await openSpoolFile()
  return {
    stage: async (stream, what) => {
      // What a stage that failed has left is nobody's.
      spool.cut()
      const measured = await measureLayer(stream, what, chunk => spool.write(chunk))
      return { measured, content: spool.cut() }
    },
    [Symbol.asyncDispose]: () => spool[Symbol.asyncDispose](),
  }
}
