/** What flags change in how isolated a container is: docker's effect, and where lading's is another. */
import type { ContainerFlags } from '../../../src/runtime/container/flags.js'

export interface FlagCase {
  readonly flags: Pick<ContainerFlags, 'capAdd' | 'capDrop' | 'securityOpt' | 'privileged' | 'user'>
  /** Aspects in which the launcher's containers are not as docker's, and what they are then. */
  readonly differs?: Readonly<Record<string, string>>
}

/** On unless it is said otherwise. */
const differs = { 'no new privileges': '1' }

export const flagCases: readonly FlagCase[] = [
  { flags: {}, differs },
  { flags: { securityOpt: ['no-new-privileges'] } },
  { flags: { securityOpt: ['no-new-privileges=true'] } },
  { flags: { securityOpt: ['no-new-privileges:true'] } },
  { flags: { securityOpt: ['no-new-privileges=false'] } },
  { flags: { securityOpt: ['no-new-privileges:false'] } },
  { flags: { securityOpt: ['seccomp=unconfined'] }, differs },
  { flags: { securityOpt: ['seccomp:unconfined', 'no-new-privileges'] } },
  { flags: { securityOpt: ['seccomp=test/runtime/isolation/seccomp.json'] }, differs },
  {
    flags: { capAdd: ['SYS_ADMIN'], securityOpt: ['seccomp=test/runtime/isolation/seccomp.json'] },
    differs,
  },
  { flags: { securityOpt: ['apparmor=unconfined'] }, differs },
  { flags: { securityOpt: ['label=disable'] }, differs },
  { flags: { capDrop: ['ALL'] }, differs },
  { flags: { capDrop: ['all'], capAdd: ['CAP_NET_ADMIN'] }, differs },
  { flags: { capDrop: ['NET_RAW', 'cap_mknod'] }, differs },
  { flags: { capAdd: ['sys_time'], capDrop: ['kill'] }, differs },
  { flags: { capAdd: ['SYS_ADMIN'] }, differs },
  { flags: { capAdd: ['SYS_ADMIN'], securityOpt: ['seccomp=unconfined'] }, differs },
  { flags: { capAdd: ['ALL'] }, differs },
  { flags: { capAdd: ['ALL'], capDrop: ['SYS_ADMIN', 'MKNOD'] }, differs },
  { flags: { capAdd: ['ALL'], capDrop: ['ALL'] }, differs },
  { flags: { user: 'app', capAdd: ['NET_ADMIN'] }, differs },
  { flags: { privileged: true } },
  { flags: { privileged: true, capDrop: ['ALL'] } },
  { flags: { privileged: true, securityOpt: ['no-new-privileges'] } },
  { flags: { privileged: true, user: 'app' } },
]

export const titleOf = ({ flags }: FlagCase): string => argumentsOf(flags).join(' ') || 'no flags'

export const argumentsOf = ({
  capAdd = [],
  capDrop = [],
  securityOpt = [],
  privileged,
  user,
}: FlagCase['flags']): readonly string[] => [
  ...(privileged ? ['--privileged'] : []),
  ...(user === undefined ? [] : ['--user', user]),
  ...capAdd.flatMap(name => ['--cap-add', name]),
  ...capDrop.flatMap(name => ['--cap-drop', name]),
  ...securityOpt.flatMap(option => ['--security-opt', option]),
]

/** By aspect; what it prints is the answer. Left out is what checks/ say of every container: /sys/fs/cgroup, younger masks, /dev/core. */
export const aspects: Readonly<Record<string, string>> = {
  capabilities: "grep -E '^Cap' /proc/self/status | cut -f2",
  'no new privileges': "awk '/^NoNewPrivs/ { print $2 }' /proc/self/status",
  seccomp: "awk '/^Seccomp:/ { print $2 }' /proc/self/status",
  masks:
    'for path in /proc/kcore /proc/keys /proc/timer_list; do stat -c %t:%T $path; done; ls -A /sys/firmware | head -1 | wc -l',
  mounts: `awk '$2 ~ "^/(proc|sys)" && $2 !~ "^/proc/[0-9]" { print $2, substr($4, 1, 2) }' /proc/self/mounts | grep -vE '(powercap|thermal_throttle|interrupts|cgroup ) |^/sys/fs/cgroup(/systemd)? ' | sort`,
  devices: "find /dev -mindepth 1 -maxdepth 1 ! -name '*-*' ! -name core | sort",
  'device filter': "awk '{ print $1 }' /sys/fs/cgroup/devices/devices.list | sort -u",
  mount: '(mkdir /tmp/m && mount -t tmpfs none /tmp/m && echo done) 2>&1 | sed "s/.*: //"',
  'user namespace': 'unshare -U true 2>&1 | sed "s/.*: //"',
  'host name': '(hostname isolated && echo done) 2>&1 | sed "s/.*: //"',
  'owner of a file': '(touch /tmp/f && chown 5 /tmp/f && echo done) 2>&1 | sed "s/.*: //"',
  folder: '(mkdir /tmp/g && echo done) 2>&1 | sed "s/.*: //"; umask 77; umask',
  kill: '(sleep 9 & kill $! && echo done) 2>&1 | sed "s/.*: //"',
}

export const flagsScript = (): string =>
  [...Object.entries(aspects).map(([name, run]) => `echo '@@@@${name}'; ( ${run} ) 2>&1`), 'true'].join('\n')

export const readAspects = (output: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    output
      .split('@@@@')
      .slice(1)
      .map(section => {
        const end = section.indexOf('\n')
        const [name, answer] = [section.slice(0, end), section.slice(end + 1).trim()]
        return [name, name === 'capabilities' ? known(answer) : answer]
      }),
  )

/** Docker 20.10 knows 38 capabilities; those that are younger it gives nobody. */
const known = (sets: string): string =>
  sets
    .split('\n')
    .map(set => (BigInt(`0x${set}`) & 0x3f_ffff_ffffn).toString(16))
    .join('\n')
