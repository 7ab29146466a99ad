import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import { launch } from '../launcher/launch.js'
import { firstSteps, report } from '../launcher/monitor-steps.js'
import { launcherFds, type Program } from '../launcher/program.js'
import { call, here, insideRoot, label, openHow, openHowLength, place } from '../launcher/steps.js'
import { largestUserFile, type ReadUserFile } from '../users.js'

/**
 * Files of a container that runs, through the root of its process: the kernel keeps every link inside, however the container
 * changes them meanwhile (openat2, RESOLVE_IN_ROOT). Only a regular file is ever opened: a small process holds the place, so that what
 * was looked at is what is read. The container may make any device, and here no filter would keep us from opening it (CVE-2024-9676).
 */
export const readRunningFile =
  (pid: number, programs: string): ReadUserFile =>
  async path => {
    const held = await launch(holdProgram(pid, path), {
      stdio: ['ignore', 'ignore', 'inherit'],
      folder: programs,
    })
    try {
      for await (const descriptor of held.reports)
        return readRegular(`/proc/${held.child.pid}/fd/${descriptor}`)
      const failure = await held.failure
      if (failure === undefined) return undefined
      throw new LadingError(
        'UNSUPPORTED',
        `Cannot read ${path} of the container: ${failure.step}: ${failure.errno}`,
      )
    } finally {
      held.closeOrders()
    }
  }

const holdProgram = (pid: number, path: string): Program => {
  const [root, file] = [{ slot: 0 }, { slot: 1 }]
  const missing = { label: 'there is none' }
  return [
    ...firstSteps(false),
    call(`open the root of process ${pid}`, 'openat', [here, `/proc/${pid}/root`, place, 0], { save: root }),
    call(`find ${path}`, 'openat2', [root, path, openHow(place, insideRoot), openHowLength], {
      ...{ save: file, onError: missing },
    }),
    report('report the file', file),
    call('hold the file', 'read', [launcherFds.orders, new Uint8Array(1), 1]),
    label(missing),
    { kind: 'exit', status: 0 },
  ]
}

const readRegular = (held: string): Uint8Array | undefined => {
  if (!statSync(held).isFile()) return undefined
  const descriptor = openSync(held, constants.O_RDONLY)
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(descriptor).size, largestUserFile + 1))
    return bytes.subarray(0, readSync(descriptor, bytes))
  } finally {
    closeSync(descriptor)
  }
}
