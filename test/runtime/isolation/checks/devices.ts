import { attempted, type Check, reason } from '../check.js'

/** Makes a node and opens it, which a device filter answers, not the modes. */
const foreign = (node: string) =>
  `rm -f /tmp/node; mknod /tmp/node ${node} || exit; head -c 1 /tmp/node > /dev/null && echo opened`

export const deviceChecks: readonly Check[] = [
  {
    name: 'devices',
    run: 'find /dev -xdev ! -type d ! -type l | sort',
    read: answer => answer.replaceAll('\n', ' ').replaceAll('/dev/', ''),
    expect: 'full null random tty urandom zero',
  },
  ...[
    ['null', '666 1:3'],
    ['zero', '666 1:5'],
    ['full', '666 1:7'],
    ['random', '666 1:8'],
    ['urandom', '666 1:9'],
    ['tty', '666 5:0'],
  ].map(
    ([name, expect]): Check => ({
      name: `/dev/${name}`,
      run: `stat -c '%a %t:%T' /dev/${name}`,
      expect: expect!,
    }),
  ),
  {
    name: 'links in /dev',
    run: 'cd /dev && for link in $(find . -xdev -type l ! -name core | sort); do echo "${link#./}" "$(readlink $link)"; done',
    expect:
      'fd /proc/self/fd\nptmx pts/ptmx\nstderr /proc/self/fd/2\nstdin /proc/self/fd/0\nstdout /proc/self/fd/1',
  },
  {
    name: 'folders in /dev',
    run: 'find /dev -type d | sort',
    expect: '/dev\n/dev/mqueue\n/dev/pts\n/dev/shm',
  },
  { name: 'terminals in /dev/pts', run: 'ls /dev/pts', expect: 'ptmx' },
  { name: '/dev/shm', run: 'stat -c %a /dev/shm', expect: '1777' },
  ...[
    ['the first disk', 'b 8 0'],
    ['the first virtual disk', 'b 254 0'],
    ['a loop device', 'b 7 0'],
    ['the memory', 'c 1 1'],
    ['the I/O ports', 'c 1 4'],
    ["the kernel's log", 'c 1 11'],
    ['a console', 'c 4 1'],
    ['FUSE', 'c 10 229'],
    ['KVM', 'c 10 232'],
    ['the loop control', 'c 10 237'],
    ['the real-time clock', 'c 254 0'],
  ].map(
    ([name, node]): Check => ({
      name: `make and open ${name} (${node})`,
      run: foreign(node!),
      read: reason,
      expect: 'Operation not permitted',
    }),
  ),
  {
    name: 'make and open a null device (c 1 3)',
    run: `rm -f /tmp/node; mknod /tmp/node c 1 3 && echo > /tmp/node && echo opened`,
    expect: 'opened',
  },
  { name: 'make a FIFO', run: attempted('mkfifo /tmp/fifo'), expect: 'done' },
  {
    name: 'rules of the device filter',
    run: 'sort /sys/fs/cgroup/devices/devices.list',
    read: answer => answer.replaceAll('\n', ', '),
    expect:
      'b *:* m, c *:* m, c 10:200 rwm, c 136:* rwm, c 1:3 rwm, c 1:5 rwm, c 1:7 rwm, c 1:8 rwm, c 1:9 rwm, c 5:0 rwm, c 5:1 rwm, c 5:2 rwm',
    differs: {
      launcher: {
        expect:
          'b *:* m, c *:* m, c 136:* rwm, c 1:3 rwm, c 1:5 rwm, c 1:7 rwm, c 1:8 rwm, c 1:9 rwm, c 5:0 rwm, c 5:1 rwm, c 5:2 rwm',
        why: 'without 10:200, /dev/net/tun, which docker 20.10 allows and later ones do not',
      },
    },
  },
]
