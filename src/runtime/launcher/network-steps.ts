import type { PreparedNetwork } from './prepared.js'
import type { ProgramStep, Slot } from './program.js'
import { call, close, closeOnExec, label, type Names } from './steps.js'

const [inet, netlink] = [2, 16]
const [datagram, raw] = [2, 3]
const setInterfaceFlags = 0x8914
const [up, running] = [0x1, 0x40]

/** Bring the loopback interface up; the kernel gives it its addresses. */
export const loopbackSteps = (names: Names): readonly ProgramStep[] => {
  const socket = names.slot()
  // struct ifreq: the name in 16 bytes, then the flags.
  const request = Buffer.alloc(40)
  request.write('lo')
  request.writeUInt16LE(up | running, 16)
  return [
    call('open a socket', 'socket', [inet, datagram | closeOnExec, 0], { save: socket }),
    call('bring the loopback interface up', 'ioctl', [socket, setInterfaceFlags, request]),
    close(socket),
  ]
}

const doNotWait = 0x40
/** Of struct nlmsghdr: u32 length, u16 type, u16 flags. */
const flagsOffset = 6
const acknowledge = 0x4

/**
 * Send rtnetlink requests. The kernel works on each inside of sendto, and without NLM_F_ACK answers only one that
 * failed: struct nlmsgerr after the header, whose first word is −errno.
 */
export const netlinkSteps = (messages: PreparedNetwork['messages'], names: Names): readonly ProgramStep[] => {
  if (messages.length === 0) return []
  const socket = names.slot()
  return [
    call('open a netlink socket', 'socket', [netlink, raw | closeOnExec, 0], { save: socket }),
    ...messages.flatMap(message => requestSteps(message, socket, names)),
    close(socket),
  ]
}

const requestSteps = (
  { name, bytes }: PreparedNetwork['messages'][number],
  socket: Slot,
  names: Names,
): readonly ProgramStep[] => {
  const request = Buffer.from(bytes)
  request.writeUInt16LE(request.readUInt16LE(flagsOffset) & ~acknowledge, flagsOffset)
  const done = names.label(`done: ${name}`)
  const [error, received] = [names.slot(), names.slot()]
  // Scattered: the header, then the errno's 4 bytes into the slot.
  const parts = {
    struct: Buffer.alloc(32),
    pointers: [
      { at: 0, to: new Uint8Array(16) },
      { at: 8, to: 16 },
      { at: 16, to: { addressOf: error } },
      { at: 24, to: 4 },
    ],
  }
  // struct msghdr: …, the parts at 16, their count at 24.
  const header = {
    struct: Buffer.alloc(56),
    pointers: [
      { at: 16, to: parts },
      { at: 24, to: 1 + 1 },
    ],
  }
  return [
    call(name, 'sendto', [socket, request, request.length, 0, 0, 0]),
    call(`see what became of it: ${name}`, 'recvmsg', [socket, header, doNotWait], {
      save: received,
      onError: done,
    }),
    { kind: 'fail', name, error },
    label(done),
  ]
}
