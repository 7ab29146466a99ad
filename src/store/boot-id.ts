import { textOfFile } from '../bytes/text-of-file.js'

let own: string | undefined

/** The machine's boot id, which is another after each start of the machine; read once. `unknown` where there is none. */
export const readBootId = (): string => {
  own ??= bootIdIn('/proc/sys/kernel/random/boot_id')
  return own
}

/** The same, as a file has it. */
export const bootIdIn = (path: string): string => (textOfFile(path) ?? 'unknown').trim()
