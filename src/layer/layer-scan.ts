import { during, LadingError } from '../spec/errors.js'
import { limits } from '../spec/limits.js'
import type { PaxRecord } from '../tar/entry.js'
import { TarScanner } from '../tar/scan-stream.js'
import type { Toc } from './toc.js'
import { TocBuilder } from './toc-builder.js'

/** What a layer's uncompressed bytes tell as they pass. */
export interface ScannedLayer {
  readonly toc: Toc
  /** Of the global PAX headers, in order: a snapshot's metadata is in one. */
  readonly globals: readonly PaxRecord[]
  /** Why the Toc is empty, where the bytes are no tar (in-toto statements, WebAssembly, squashfs are layers too). */
  readonly notTar?: string
}

/** Makes the table of contents of a layer while its bytes pass; gives up, without an error, on what is no tar from its first byte on. */
export class LayerScan {
  readonly #what: string
  readonly #builder = new TocBuilder()
  readonly #globals: PaxRecord[] = []
  #held = 0
  #scanner: TarScanner | undefined
  #notTar: string | undefined

  /** `what` names the layer in messages. */
  constructor(what: string) {
    this.#what = what
    this.#scanner = new TarScanner({
      ...this.#builder.events,
      global: records => this.#keep(records),
    })
  }

  /** The next bytes; they may be overwritten afterwards. Throws what is wrong with the tar. */
  push(chunk: Uint8Array): void {
    this.#attempt(scanner => scanner.push(chunk))
  }

  /** `size`: of the uncompressed layer in bytes. Throws TRUNCATED. */
  finish(size: number): ScannedLayer {
    this.#attempt(scanner => scanner.end())
    return {
      ...{ toc: this.#builder.finish(size), globals: this.#globals },
      ...(this.#notTar !== undefined && { notTar: this.#notTar }),
    }
  }

  #keep(records: readonly PaxRecord[]): void {
    for (const record of records) this.#globals.push(record)
    this.#held += records.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
    if (this.#held > limits.heldDocuments)
      throw new LadingError(
        'LIMIT_EXCEEDED',
        `Its global PAX headers hold more than ${limits.heldDocuments} bytes`,
      )
  }

  #attempt(work: (scanner: TarScanner) => void): void {
    if (this.#scanner === undefined) return
    try {
      work(this.#scanner)
    } catch (error) {
      if (!isNoTar(error)) throw during(`Cannot read ${this.#what}`, error)
      this.#notTar = (error as LadingError).message
      this.#scanner = undefined
    }
  }
}

/** The first block is no header, or there is not even one block. */
const isNoTar = (error: unknown): boolean =>
  error instanceof LadingError &&
  ((error.code === 'BAD_TAR' && error.data.offset === 0 && error.data.wanted !== undefined) ||
    (error.code === 'TRUNCATED' && error.data.wanted === 512))
