import { createRequire } from 'node:module'
import { LadingError } from '../spec/errors.js'

/** As the function's prototype has them: bytes, texts, arrays of texts or null for pointers. */
export type LibraryArguments = (number | bigint | Uint8Array | string | readonly (string | null)[] | null)[]
export type LibraryFunction = (...args: LibraryArguments) => number

export interface CLibrary {
  /** Bind a function by its C prototype. */
  bind(prototype: string): LibraryFunction
  /** errno of the last call. */
  errno(): number
}

let loaded: Promise<CLibrary> | undefined

/** The C library, for what Node does not have. Loading it takes milliseconds, so only who needs it asks. */
export const loadCLibrary = (): Promise<CLibrary> => {
  loaded ??= load()
  return loaded
}

type Koffi = Pick<typeof import('koffi'), 'load' | 'errno'>

/**
 * The machine code of koffi that npm has put there for this machine. The package finds it wherever it may be, but
 * takes 4 ms for that.
 */
const prebuilt = (): Koffi | undefined => {
  const { platform, arch } = process
  try {
    return createRequire(import.meta.url)(`@koromix/koffi-${platform}-${arch}/${platform}_${arch}/koffi.node`)
  } catch {
    // Another C library, another layout of packages, or compiled here.
    return undefined
  }
}

const load = async (): Promise<CLibrary> => {
  const koffi = prebuilt() ?? (await import('koffi')).default
  for (const name of process.platform === 'darwin' ? ['libSystem.dylib'] : ['libc.so.6', 'libc.so']) {
    try {
      const library = koffi.load(name)
      return {
        bind: prototype => library.func(prototype) as LibraryFunction,
        errno: () => koffi.errno(),
      }
    } catch {}
  }
  throw new LadingError('MISSING_LIBRARY', `Cannot find the C library of ${process.platform}`)
}
