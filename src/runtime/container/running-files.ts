import { constants } from 'node:fs'
import type { Program } from '../launcher/program.js'
import { runOnce } from '../launcher/run-once.js'
import {
  call,
  closeOnExec,
  here,
  insideRoot,
  label,
  openHow,
  openHowLength,
  place,
} from '../launcher/steps.js'
import { largestUserFile, type ReadUserFile } from '../users.js'

/**
 * Files of a container that runs, through the root of its process: the kernel keeps every link inside, however the container
 * changes them meanwhile (openat2, RESOLVE_IN_ROOT). What is not a regular file does not make it wait.
 */
export const readRunningFile =
  (pid: number, programs: string): ReadUserFile =>
  async path => {
    const { stdout, status } = runOnce(readProgram(pid, path), {
      action: `Cannot read ${path} of the container`,
      folder: programs,
    })
    return status === notThere ? undefined : stdout
  }

const notThere = 2

const readProgram = (pid: number, path: string): Program => {
  const [root, file] = [{ slot: 0 }, { slot: 1 }]
  const missing = { label: 'there is none' }
  const how = openHow(constants.O_RDONLY | constants.O_NONBLOCK | closeOnExec, insideRoot)
  return [
    call(`open the root of process ${pid}`, 'openat', [here, `/proc/${pid}/root`, place, 0], { save: root }),
    call(`open ${path}`, 'openat2', [root, path, how, openHowLength], { save: file, onError: missing }),
    call(`read ${path}`, 'sendfile', [1, file, 0, largestUserFile + 1], { onError: missing }),
    { kind: 'exit', status: 0 },
    label(missing),
    { kind: 'exit', status: notThere },
  ]
}
