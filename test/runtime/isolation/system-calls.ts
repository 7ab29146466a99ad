/** Every system call with arguments that come to nothing: what a seccomp filter lets through, and what it refuses. */
import { probeProgram, readProbe, systemCallNumbers } from './probe-program.js'

const highest = 469

/** They would do something even so. */
const notTried = new Set(['sync'])

/** −1 is no descriptor, no address, no length and no process; where it is something, it changes only the process that tries. */
const nothing = [-1, -1, -1, -1, -1, -1]

const variants: readonly {
  readonly name: string
  readonly call: string
  readonly args: readonly number[]
}[] = [
  { name: 'clone(CLONE_NEWUSER)', call: 'clone', args: [0x1000_0011, 0, 0, 0, 0] },
  { name: 'clone(CLONE_NEWNS)', call: 'clone', args: [0x2_0011, 0, 0, 0, 0] },
  { name: 'personality(PER_LINUX)', call: 'personality', args: [0] },
  { name: 'personality(ADDR_NO_RANDOMIZE)', call: 'personality', args: [0x4_0000] },
  { name: 'socket(AF_ALG)', call: 'socket', args: [38, 5, 0] },
  { name: 'socket(AF_VSOCK)', call: 'socket', args: [40, 1, 0] },
  { name: 'socket(AF_INET)', call: 'socket', args: [2, 1, 0] },
  { name: 'socket(AF_NETLINK)', call: 'socket', args: [16, 3, 0] },
  { name: 'socket(AF_PACKET)', call: 'socket', args: [17, 3, 0] },
]

const attempts = () => {
  const names = new Map([...systemCallNumbers()].map(([name, number]) => [number, name]))
  return [
    ...Array.from({ length: highest + 1 }, (_, number) => ({
      name: names.get(number) ?? `number ${number}`,
      calls: [{ call: number, args: nothing }],
    })).filter(({ name }) => !notTried.has(name)),
    ...variants.map(({ name, call, args }) => ({ name, calls: [{ call, args }] })),
  ]
}

export const systemCallProbe = (): Buffer => probeProgram(attempts().map(({ calls }) => calls))

/** By name: `EPERM` and `ENOSYS`, with which filters answer, or `passes`. */
export const readSystemCalls = (output: Buffer): ReadonlyMap<string, string> => {
  const answers = readProbe(output)
  return new Map(
    attempts().map(({ name }, index) => {
      const answer = answers.get(index) ?? 'nothing'
      return [
        name,
        ['EPERM', 'ENOSYS', 'nothing'].includes(answer) || answer.startsWith('ended 159') ? answer : 'passes',
      ]
    }),
  )
}
