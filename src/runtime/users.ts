import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'

/** Who a container's process is. */
export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups; the primary one too, as Docker has it (CVE-2022-36109). */
  readonly groups: readonly number[]
  /** HOME when the environment has none. */
  readonly home: string
}

/**
 * A regular file of the root file system by its absolute path, links resolved inside it; undefined when there is
 * none. At most `largestUserFile` bytes are wanted: a longer file may be given back cut anywhere behind that.
 */
export type ReadUserFile = (path: string) => Promise<Uint8Array | undefined>

export const largestUserFile = 1 << 20

/** −1 as unsigned means "no change" to setresuid, so it is no ID. */
const largestId = 0xffff_fffe

/**
 * What `user` (USER in the config, -u) means in a root file system: `user|uid[:group|gid]`, '' for root. Rules of
 * Docker (moby's use of moby/sys/user GetExecUser): what consists of digits is an ID even where a user of that
 * name exists (CVE-2016-3697); an ID needs no line in /etc/passwd and has group 0 then; the groups of /etc/group
 * that list the user count only when `user` names no group; `groups` are added always.
 *
 * NOT_FOUND when there is no such name; BAD_DOCUMENT when an ID is out of range; LIMIT_EXCEEDED when a file is.
 */
export const resolveUser = async (
  user: string,
  groups: readonly string[],
  read: ReadUserFile,
): Promise<ResolvedUser> => {
  const colon = user.indexOf(':')
  const userName = colon < 0 ? user : user.slice(0, colon)
  const groupName = colon < 0 ? '' : user.slice(colon + 1)
  const users = await readLines('/etc/passwd', read)
  const groupLines = await readLines('/etc/group', read)

  const line = findUser(userName === '' ? '0' : userName, users)
  const uid = line ? idIn(line[2], '/etc/passwd') : idOf(userName, 'user', '/etc/passwd')
  const primary = line ? idIn(line[3], '/etc/passwd') : 0
  const gid = groupName === '' ? primary : groupId(groupName, groupLines)
  const listed =
    groupName === '' && line
      ? groupLines
          .filter(([, , , members = '']) => members.split(',').includes(line[0]!))
          .map(fields => idIn(fields[2], '/etc/group'))
      : []
  const added = groups.map(name => groupId(name, groupLines))
  return {
    uid,
    gid,
    groups: [...new Set([gid, ...listed, ...added])],
    home: line?.[5] || '/',
  }
}

const isNumber = (text: string): boolean => /^[0-9]+$/.test(text)

const parseId = (text: string): number | undefined => {
  const id = Number(text)
  return isNumber(text) && id <= largestId ? id : undefined
}

const findUser = (name: string, users: readonly Fields[]): Fields | undefined => {
  if (!isNumber(name)) return users.find(fields => fields[0] === name)
  // Compared as numbers: 00 is root as well.
  const id = parseId(name)
  return id === undefined ? undefined : users.find(fields => parseId(fields[2] ?? '') === id)
}

const groupId = (name: string, lines: readonly Fields[]): number => {
  if (isNumber(name)) return idOf(name, 'group', '/etc/group')
  const line = lines.find(fields => fields[0] === name)
  return line ? idIn(line[2], '/etc/group') : idOf(name, 'group', '/etc/group')
}

/** An ID that the image or the user wrote; a name that gets here was not found. */
const idOf = (text: string, what: 'user' | 'group', file: string): number => {
  if (text === '') return 0
  if (!isNumber(text))
    throw new LadingError(
      'NOT_FOUND',
      `Unable to find ${what} ${visible(text)}: no matching entries in ${file.slice('/etc/'.length)} file`,
      { data: { [what]: text } },
    )
  const id = parseId(text)
  if (id === undefined)
    throw new LadingError('BAD_DOCUMENT', `The ${what} ID ${text} is not from 0 to ${largestId}`, {
      data: { [what]: text },
    })
  return id
}

const idIn = (text: string | undefined, file: string): number => {
  const id = parseId(text ?? '')
  if (id === undefined)
    throw new LadingError(
      'BAD_DOCUMENT',
      `${file} of the container has the ID "${visible(text ?? '')}", which is not a number from 0 to ${largestId}`,
    )
  return id
}

type Fields = readonly string[]

const readLines = async (path: string, read: ReadUserFile): Promise<readonly Fields[]> => {
  const bytes = await read(path)
  if (!bytes) return []
  if (bytes.length > largestUserFile)
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `${path} of the container is larger than ${largestUserFile} bytes`,
    )
  return Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(':'))
}
