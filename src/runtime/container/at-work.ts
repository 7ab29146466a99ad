import { lstatSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { currentBoot, identify, isAlive } from './process-identity.js'

/** A link that leads nowhere: one call makes it whole. */
const markOf = (folder: string): string => join(folder, 'at-work')

/** Say in a folder of ours that this process makes it or removes it. */
export const markAtWork = (folder: string): void => {
  rmSync(markOf(folder), { force: true })
  const { pid, startTime, boot } = identify(process.pid)!
  symlinkSync(`${pid} ${startTime} ${boot}`, markOf(folder))
}

/** The name of a folder of ours that has no mark yet. */
export const begunName = (id: string): string => {
  const { pid, startTime } = identify(process.pid)!
  return `.begun-${pid}-${startTime}-${id}`
}

export const isBegunByTheDead = (name: string): boolean => {
  const [, pid, startTime] = /^\.begun-(\d+)-(\d+)-/.exec(name) ?? []
  return (
    pid !== undefined && !isAlive({ pid: Number(pid), startTime: Number(startTime), boot: currentBoot() })
  )
}

/** A folder is made and marked within moments. */
const momentsLong = 10_000

/** Whether somebody makes the folder or removes it just now; not so one who died over it. */
export const isAtWork = (folder: string): boolean => {
  try {
    const [pid, startTime, boot = ''] = readlinkSync(markOf(folder)).split(' ')
    return isAlive({ pid: Number(pid), startTime: Number(startTime), boot })
  } catch {
    const status = lstatSync(folder, { throwIfNoEntry: false })
    return status !== undefined && Date.now() - status.ctimeMs < momentsLong
  }
}
