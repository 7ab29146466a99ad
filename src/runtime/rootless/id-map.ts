import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'

/** What of the host's IDs the IDs from `inside` on are: a line of uid_map. */
export interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly count: number
}

export interface OrdinaryUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Whoever runs this process. */
export const thisUser = (): OrdinaryUser => {
  const [uid, gid] = [process.getuid!(), process.getgid!()]
  try {
    return { name: userInfo().username, uid, gid }
  } catch {
    // No line in /etc/passwd.
    return { name: String(uid), uid, gid }
  }
}

/**
 * The user as 0, and as 1 and so on what /etc/subuid or /etc/subgid, as `text`, gives the user by name or number
 * (subuid(5)). Undefined where that is nothing: then files of others than root could not be made.
 */
export const idMapOf = (
  own: number,
  text: string,
  { name, uid }: OrdinaryUser,
): readonly IdRange[] | undefined => {
  const ranges: IdRange[] = [{ inside: 0, outside: own, count: 1 }]
  let inside = 1
  for (const line of text.split('\n')) {
    const [, owner, start, count] = /^([^:#]+):(\d+):(\d+)\s*$/.exec(line) ?? []
    if ((owner !== name && owner !== String(uid)) || Number(count) === 0) continue
    ranges.push({ inside, outside: Number(start), count: Number(count) })
    inside += Number(count)
  }
  return ranges.length > 1 ? ranges : undefined
}

const kinds = [
  { file: '/etc/subuid', helper: 'newuidmap', add: '--add-subuids', own: 'uid' },
  { file: '/etc/subgid', helper: 'newgidmap', add: '--add-subgids', own: 'gid' },
] as const

const execute = promisify(execFile)

/**
 * Give the user namespace that the process `pid` has just made the IDs that are the user's, by the helpers that the system
 * allows to do so. Throws UNSUPPORTED with what is missing and how to get it.
 */
export const mapIds = async (pid: number, user: OrdinaryUser = thisUser()): Promise<void> => {
  for (const { file, helper, add, own } of kinds) {
    const map = idMapOf(user[own], await readFile(file, 'utf8').catch(() => ''), user)
    if (!map)
      throw cannot(
        `${file} gives ${visible(user.name)} no range of IDs for the users of containers. As root: usermod ${add} 100000-165535 ${visible(user.name)}, with a range that nobody has`,
      )
    const words = map.flatMap(({ inside, outside, count }) => [inside, outside, count]).map(String)
    await execute(helper, [String(pid), ...words], { env: { ...process.env, PATH: searchPath() } }).catch(
      error => {
        if (error.code === 'ENOENT')
          throw cannot(`${helper} is not installed. It comes with the package uidmap or shadow-utils`)
        throw cannot(`${helper} says ${JSON.stringify(String(error.stderr).trim())}`)
      },
    )
  }
}

const searchPath = (): string => `/usr/bin:/bin:/usr/sbin:/sbin:${process.env.PATH ?? ''}`

const cannot = (why: string): LadingError =>
  new LadingError('UNSUPPORTED', `Cannot have containers as an ordinary user: ${why}`)
