import { getSystemErrorName } from 'node:util'
import { type LibraryFunction, loadCLibrary } from '../../bytes/libc.js'
import { LadingError } from '../../spec/errors.js'
import { messageFlag, messageType, type NetlinkRequest } from './netlink.js'
import {
  isEnd,
  type NetlinkAnswer,
  type NetlinkFailure,
  readFailure,
  splitAnswers,
} from './netlink-answer.js'

/**
 * Talking to rtnetlink of this process's own network namespace, by the C library's socket calls: no program is
 * started. The kernel works while it is being sent to, so the answer is there when send returns, and nothing
 * here ever waits. To be closed.
 */
export interface Netlink {
  /**
   * Ask for one change. Throws NETWORK, with the errno's name in `data.errno`, when the kernel refuses, unless
   * it is for a reason in `except`: then the result is that reason.
   */
  change(request: NetlinkRequest, except?: readonly string[]): string | undefined
  /** Ask for one thing or a list; what is not there (ENODEV) is an empty list. */
  query(request: NetlinkRequest): readonly NetlinkAnswer[]
  close(): void
}

/** <linux/netlink.h> and <asm/socket.h>: the same on x86-64 and arm64. */
const socketOf = { family: 16, raw: 3, closeOnExec: 0x80000, route: 0 } as const
const option = { level: 270, capAnswers: 10, explainErrors: 11 } as const
const dontWait = 0x40
/** The kernel fills at most 32 KiB at a time. */
const largestAnswer = 64 * 1024
/** How often a list may have changed while it was read before it is taken as it is. */
const listAttempts = 20

const prototypes = {
  socket: 'int socket(int family, int type, int protocol)',
  setsockopt: 'int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t size)',
  send: 'int64_t send(int fd, const uint8_t *data, size_t size, int flags)',
  recv: 'int64_t recv(int fd, _Out_ uint8_t *data, size_t size, int flags)',
  close: 'int close(int fd)',
} as const

type Calls = Readonly<Record<keyof typeof prototypes, LibraryFunction>> & { errno(): number }

let bound: Promise<Calls> | undefined

const bindCalls = async (): Promise<Calls> => {
  const library = await loadCLibrary()
  const functions = Object.entries(prototypes).map(([name, prototype]) => [name, library.bind(prototype)])
  return { ...Object.fromEntries(functions), errno: () => library.errno() }
}

/** `EEXIST` of 17. */
export const errnoName = (errno: number): string => getSystemErrorName(-errno)

const refused = (what: string, { errno, explanation }: NetlinkFailure): LadingError =>
  new LadingError('NETWORK', `Cannot ${what}: ${errnoName(errno)}${explanation ? ` (${explanation})` : ''}`, {
    data: { errno: errnoName(errno) },
  })

/** Throws UNSUPPORTED where the system is not Linux. */
export const openNetlink = async (): Promise<Netlink> => {
  if (process.platform !== 'linux')
    throw new LadingError('UNSUPPORTED', `Cannot set up a network on ${process.platform}: wanted Linux`)
  bound ??= bindCalls()
  const calls = await bound
  const fd = calls.socket(socketOf.family, socketOf.raw | socketOf.closeOnExec, socketOf.route)
  if (fd < 0) throw refused('open a netlink socket', { errno: calls.errno() })
  // Old kernels know neither; errors are then without words.
  for (const name of [option.capAnswers, option.explainErrors])
    calls.setsockopt(fd, option.level, name, Buffer.from([1, 0, 0, 0]), 4)

  const buffer = Buffer.alloc(largestAnswer)
  let sequence = 0

  const send = ({ what, bytes }: NetlinkRequest, flags: number): void => {
    const message = Buffer.from(bytes)
    message.writeUInt16LE(message.readUInt16LE(6) | flags, 6)
    message.writeUInt32LE(++sequence, 8)
    if (calls.send(fd, message, message.length, 0) < 0) throw refused(what, { errno: calls.errno() })
  }
  const receive = ({ what }: NetlinkRequest): readonly NetlinkAnswer[] => {
    const length = calls.recv(fd, buffer, buffer.length, dontWait)
    if (length < 0) throw refused(what, { errno: calls.errno() })
    return splitAnswers(Buffer.from(buffer.subarray(0, length))).filter(
      answer => answer.sequence === sequence,
    )
  }

  /** All answers to the last request; a list ends with one that says so. */
  const receiveAll = (request: NetlinkRequest, isList: boolean): readonly NetlinkAnswer[] => {
    const answers: NetlinkAnswer[] = []
    for (;;) {
      for (const answer of receive(request)) {
        answers.push(answer)
        if (!isList || isEnd(answer) || answer.type === messageType.error) return answers
      }
    }
  }

  const queryOnce = (request: NetlinkRequest, isList: boolean): readonly NetlinkAnswer[] => {
    send(request, 0)
    const answers = receiveAll(request, isList)
    const error = answers.find(answer => answer.type === messageType.error)
    if (!error) return answers
    const failure = readFailure(error)
    if (errnoName(failure.errno) === 'ENODEV') return []
    throw refused(request.what, failure)
  }

  return {
    change: (request, except = []) => {
      send(request, messageFlag.acknowledge)
      const answer = receiveAll(request, false)[0]!
      const failure = readFailure(answer)
      if (failure.errno === 0) return undefined
      const name = errnoName(failure.errno)
      if (except.includes(name)) return name
      throw refused(request.what, failure)
    },
    query: request => {
      const isList = (request.bytes.readUInt16LE(6) & messageFlag.list) === messageFlag.list
      for (let attempt = 1; ; attempt++) {
        const answers = queryOnce(request, isList)
        const torn = answers.some(answer => answer.flags & messageFlag.interrupted)
        if (!torn || attempt === listAttempts) return answers.filter(answer => !isEnd(answer))
      }
    },
    close: () => {
      calls.close(fd)
    },
  }
}

/** Open, work, close. */
export const withNetlink = async <Result>(work: (netlink: Netlink) => Result): Promise<Result> => {
  const netlink = await openNetlink()
  try {
    return work(netlink)
  } finally {
    netlink.close()
  }
}
