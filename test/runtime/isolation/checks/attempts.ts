/** System calls that would lead out of a container or into the kernel, with arguments that would work for root of the host. */
import { both, type Check } from '../check.js'
import { type ProbeCall, previous } from '../probe-program.js'

const here = -100
const handle = () => {
  // struct file_handle of the root of an ext4 file system: inode 2 (the exploit of 2014 named shocker).
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(8, 0)
  bytes.writeInt32LE(1, 4)
  bytes.writeUInt32LE(2, 8)
  return bytes
}

export interface Attempt {
  readonly name: string
  readonly calls: readonly ProbeCall[]
  readonly expect: string
  readonly differs?: NonNullable<Check['differs']>
}

export const attempts: readonly Attempt[] = [
  {
    name: 'open a file of the host by its handle',
    calls: [
      { call: 'openat', args: [here, '/', 0, 0] },
      { call: 'open_by_handle_at', args: [previous, handle(), 0] },
    ],
    expect: 'EPERM',
  },
  { name: 'add a key', calls: [{ call: 'add_key', args: ['user', 'x', 'x', 1, -3] }], expect: 'EPERM' },
  { name: 'look for a key', calls: [{ call: 'request_key', args: ['user', 'x', 0, 0] }], expect: 'EPERM' },
  { name: 'join a session keyring', calls: [{ call: 'keyctl', args: [1, 0] }], expect: 'EPERM' },
  { name: 'describe the session keyring', calls: [{ call: 'keyctl', args: [6, -3, 0, 0] }], expect: 'EPERM' },
  {
    name: 'load a program into the kernel',
    calls: [{ call: 'bpf', args: [5, Buffer.alloc(64), 64] }],
    expect: 'EPERM',
  },
  {
    name: 'watch performance events',
    calls: [{ call: 'perf_event_open', args: [Buffer.alloc(128), 0, -1, -1, 0] }],
    expect: 'EPERM',
  },
  { name: 'watch a whole file system', calls: [{ call: 'fanotify_init', args: [0, 0] }], expect: 'EPERM' },
  { name: 'handle page faults', calls: [{ call: 'userfaultfd', args: [1] }], expect: 'EPERM' },
  {
    name: 'new user namespace by clone',
    calls: [{ call: 'clone', args: [0x1000_0011, 0, 0, 0, 0] }],
    expect: 'EPERM',
  },
  {
    name: 'new user namespace by clone3',
    calls: [{ call: 'clone3', args: [Buffer.alloc(88), 88] }],
    expect: 'ENOSYS',
  },
  { name: 'open a file system', calls: [{ call: 'fsopen', args: ['proc', 0] }], expect: 'EPERM' },
  { name: 'open a tree of mounts', calls: [{ call: 'open_tree', args: [here, '/', 1] }], expect: 'EPERM' },
  {
    name: 'change a mount by mount_setattr',
    calls: [{ call: 'mount_setattr', args: [here, '/proc/sys', 0, Buffer.alloc(32), 32] }],
    expect: 'EPERM',
  },
  { name: 'change the root', calls: [{ call: 'pivot_root', args: ['.', '.'] }], expect: 'EPERM' },
  {
    name: 'trace process 1',
    calls: [{ call: 'ptrace', args: [/* PTRACE_SEIZE */ 0x4206, 1, 0, 0] }],
    expect: 'ok',
  },
  { name: 'start another kernel', calls: [{ call: 'kexec_load', args: [0, 0, 0, 0] }], expect: 'EPERM' },
  { name: 'load a module', calls: [{ call: 'init_module', args: ['', 0, ''] }], expect: 'EPERM' },
  { name: 'account processes', calls: [{ call: 'acct', args: [0] }], expect: 'EPERM' },
  { name: 'swap', calls: [{ call: 'swapoff', args: ['/dev/null'] }], expect: 'EPERM' },
  { name: 'hang up the terminal', calls: [{ call: 'vhangup', args: [] }], expect: 'EPERM' },
  { name: 'compare processes', calls: [{ call: 'kcmp', args: [1, 1, 0, 0, 0] }], expect: 'EPERM' },
  {
    name: 'lock memory beyond the limit',
    calls: [{ call: 'setrlimit', args: [8, Buffer.alloc(16, 0xff)] }],
    expect: 'EPERM',
  },
  { name: 'be an emulated 32-bit system', calls: [{ call: 'personality', args: [8] }], expect: 'ok' },
  {
    name: 'a raw socket, which CAP_NET_RAW allows',
    calls: [{ call: 'socket', args: [2, 3, 1] }],
    expect: 'ok',
  },
  {
    name: 'a socket to the hypervisor',
    calls: [{ call: 'socket', args: [40, 1, 0] }],
    expect: 'ok',
    differs: both({ expect: 'EPERM', why: 'moby refuses AF_VSOCK since 2022: it leads to the hypervisor' }),
  },
  {
    name: 'a ring of asynchronous calls',
    calls: [{ call: 'io_uring_setup', args: [1, Buffer.alloc(120)] }],
    expect: 'ok',
    differs: both({ expect: 'EPERM', why: 'moby refuses io_uring since 2023: too many holes' }),
  },
  { name: 'raise the priority', calls: [{ call: 'setpriority', args: [0, 0, -5] }], expect: 'EACCES' },
  {
    name: 'set the clock',
    calls: [{ call: 'clock_settime', args: [0, Buffer.alloc(16)] }],
    expect: 'EPERM',
  },
  ...[
    ['control groups', 0x0200_0000],
    ['time', 0x80],
  ].map(
    ([name, flag]): Attempt => ({
      name: `new namespace of ${name}`,
      calls: [{ call: 'unshare', args: [flag as number] }],
      expect: 'EPERM',
    }),
  ),
  {
    name: 'leave a changed root (chroot, then upwards)',
    calls: [
      { call: 'mkdirat', args: [here, '/tmp/jail', 0o755] },
      { call: 'chroot', args: ['/tmp/jail'] },
      ...Array.from({ length: 12 }, () => ({ call: 'chdir', args: ['..'] })),
      { call: 'chroot', args: ['.'] },
      // On the host it is there, in the container not.
      { call: 'openat', args: [here, process.execPath, 0, 0] },
    ],
    expect: 'ENOENT',
  },
]
