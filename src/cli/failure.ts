import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'

/** Tell of an error on standard error; the exit status for it. Nothing that was expected shows a stack. */
export const reportFailure = (error: unknown, debug: boolean): number => {
  const { code, message, stack } = error as NodeJS.ErrnoException
  const tell = (text: string) => process.stderr.write(`lading: ${text}\n`)
  if (error instanceof LadingError) tell(visible(message))
  else if (code !== undefined && /^E[A-Z]+$/.test(code)) tell(systemMessage(error as NodeJS.ErrnoException))
  else tell(`This is a defect of lading, please report it: ${visible(String(message ?? error))}`)
  if (debug && stack) process.stderr.write(`${stack}\n`)
  return error instanceof LadingError && error.code === 'USAGE' ? 2 : 1
}

const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk failed',
  EMFILE: 'too many open files',
  ENOSPC: 'no space left on the device',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
}

const systemMessage = ({ code = '', path, syscall }: NodeJS.ErrnoException): string =>
  `Cannot ${syscall ?? 'go on'}${path === undefined ? '' : ` ${visible(path)}`}: ${words[code] ?? code}`
