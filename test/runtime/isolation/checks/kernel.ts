import { attempted, type Check, reason } from '../check.js'

/** What lies at a path that must not show what the kernel has there. */
const shown = (path: string) =>
  `if [ -d ${path} ]; then [ -z "$(ls -A ${path})" ] && echo masked || echo shown
elif [ -c ${path} ]; then echo masked
elif [ -e ${path} ]; then echo shown
else echo absent; fi`

const masked = (path: string): Check => ({
  name: `masked: ${path}`,
  run: shown(path),
  // Whether the kernel has it at all is not the runtime's doing.
  read: answer => (answer === 'absent' ? 'masked' : answer),
  expect: 'masked',
})

const write = (path: string, value: string): Check => ({
  name: `write ${path}`,
  run: `[ -e ${path} ] || echo absent; ${attempted(`[ ! -e ${path} ] || echo ${value} > ${path}`)}`,
  // Whether the kernel has it at all is not the runtime's doing.
  read: answer => (answer.startsWith('absent') ? 'Read-only file system' : reason(answer)),
  expect: /^(Read-only file system|Permission denied)$/,
})

export const kernelChecks: readonly Check[] = [
  ...[
    ...[
      '/proc/acpi',
      '/proc/asound',
      '/proc/kcore',
      '/proc/keys',
      '/proc/latency_stats',
      '/proc/sched_debug',
    ],
    ...['/proc/scsi', '/proc/timer_list', '/proc/timer_stats', '/sys/firmware'],
  ].map(masked),
  ...['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'].map(
    (path): Check => ({
      name: `read-only: ${path}`,
      run: `[ -e ${path} ] || echo ro; awk '$2 == "${path}" { print substr($4, 1, 2) }' /proc/self/mounts`,
      expect: 'ro',
    }),
  ),
  write('/proc/sysrq-trigger', 'h'),
  write('/proc/sys/kernel/core_pattern', '"$(cat /proc/sys/kernel/core_pattern)"'),
  write('/proc/sys/kernel/modprobe', '/sbin/modprobe'),
  write('/proc/sys/kernel/hostname', 'isolated'),
  write('/proc/sys/vm/overcommit_memory', '"$(cat /proc/sys/vm/overcommit_memory)"'),
  write('/proc/sys/net/ipv4/ip_forward', '"$(cat /proc/sys/net/ipv4/ip_forward)"'),
  write('/proc/irq/default_smp_affinity', 'f'),
  write('/sys/kernel/mm/transparent_hugepage/enabled', 'madvise'),
  write('/sys/kernel/uevent_helper', '""'),
  write('/sys/fs/cgroup/memory/memory.limit_in_bytes', '-1'),
  write('/sys/fs/cgroup/devices/devices.allow', 'a'),
  write('/sys/fs/cgroup/memory/cgroup.procs', '1'),
  {
    name: 'control groups of others',
    run: 'find /sys/fs/cgroup/pids/ -mindepth 1 -type d | wc -l',
    expect: '0',
  },
  {
    name: 'make a control group',
    run: attempted('mkdir /sys/fs/cgroup/pids/x'),
    read: reason,
    expect: 'Read-only file system',
  },
  {
    name: 'debugfs, tracefs and securityfs',
    run: 'ls -A /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security 2>/dev/null | grep -v :',
    expect: '',
  },
  {
    name: "read the kernel's log",
    run: 'dmesg 2>&1 | tail -1',
    read: reason,
    expect: 'Operation not permitted',
  },
  {
    name: 'addresses of kernel symbols',
    run: "head -1 /proc/kallsyms | cut -d' ' -f1",
    expect: '0000000000000000',
  },
  {
    name: 'set the host name',
    run: attempted('hostname other'),
    read: reason,
    expect: 'Operation not permitted',
  },
  {
    name: 'bring lo down',
    run: attempted('ip link set lo down'),
    read: reason,
    expect: 'Operation not permitted',
  },
  {
    name: 'add an address',
    run: attempted('ip addr add 10.9.9.9/32 dev lo'),
    read: reason,
    expect: 'Operation not permitted',
  },
  ...['-U', '-m', '-n', '-p', '-i', '-u'].map(
    (flag): Check => ({
      name: `unshare ${flag}`,
      run: attempted(`unshare ${flag} true`),
      read: reason,
      expect: 'Operation not permitted',
    }),
  ),
  {
    name: "enter the host's namespaces",
    run: attempted('nsenter -t 1 -m true'),
    read: reason,
    expect: 'Operation not permitted',
  },
  {
    name: 'lower an OOM score',
    run: attempted('echo -100 > /proc/self/oom_score_adj'),
    read: reason,
    expect: 'Permission denied',
  },
  { name: 'change the owner of a file', run: attempted('touch /tmp/f && chown 5:5 /tmp/f'), expect: 'done' },
  { name: 'kill process 1', run: 'kill -9 1; echo alive', expect: 'alive' },
]
