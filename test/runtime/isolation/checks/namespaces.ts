import { both, type Check } from '../check.js'

const cgroupNamespace = both({
  expect: 'its own',
  why: 'a control group namespace of its own, so that no path of the host shows; docker has that on version 2 only',
})

export const namespaceChecks: readonly Check[] = [
  ...['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup', 'user', 'time'].map(
    (kind): Check => ({
      name: `namespace ${kind}`,
      run: `readlink /proc/self/ns/${kind}`,
      read: (answer, host) =>
        answer === host.namespace(kind)
          ? "the host's"
          : /^\w+:\[\d+\]$/.test(answer)
            ? 'its own'
            : `"${answer}"`,
      expect: ['cgroup', 'user', 'time'].includes(kind) ? "the host's" : 'its own',
      ...(kind === 'cgroup' && { differs: cgroupNamespace }),
    }),
  ),
  {
    name: 'processes in /proc',
    // The shell, the one of this check, and what it runs.
    run: 'ls -d /proc/[0-9]* | wc -l',
    read: answer => (Number(answer) <= 5 ? 'its own only' : answer),
    expect: 'its own only',
  },
  { name: 'process 1', run: 'readlink /proc/1/exe', expect: '/bin/busybox' },
  { name: 'parent of process 1', run: "awk '/^PPid/ { print $2 }' /proc/1/status", expect: '0' },
  {
    name: 'session of process 1',
    run: "awk '{ print $6, $5 }' /proc/1/stat",
    expect: '1 1',
  },
  { name: 'interfaces without a network', run: 'ls /sys/class/net', expect: 'lo' },
  {
    name: 'address of lo',
    run: "ip addr show lo | awk '/inet |LOOPBACK/ { print $2, $3 }'",
    expect: 'lo: <LOOPBACK,UP,LOWER_UP>\n127.0.0.1/8 scope',
  },
  { name: 'routes', run: 'ip route', expect: '' },
  { name: "the host's sockets", run: 'tail -n +2 /proc/net/unix; tail -n +2 /proc/net/tcp', expect: '' },
  { name: "the host's shared memory", run: 'tail -n +2 /proc/sysvipc/shm | wc -l', expect: '0' },
  { name: 'host name', run: 'hostname; cat /proc/sys/kernel/hostname', expect: 'isolated\nisolated' },
  { name: 'domain name', run: 'cat /proc/sys/kernel/domainname', expect: '(none)' },
  {
    name: 'lowest port of an ordinary user',
    run: 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
    expect: '0',
  },
  {
    name: 'groups that may ping',
    run: 'cat /proc/sys/net/ipv4/ping_group_range',
    read: answer => answer.replace(/\s+/g, ' '),
    expect: '0 2147483647',
  },
]
