import { attempted, both, type Check, reason } from '../check.js'

/** Options that a mount has, without those that the kernel adds by itself. */
const optionsOf = (target: string): Pick<Check, 'run' | 'read'> => ({
  run: `awk '$2 == "${target}" { print $3, $4 }' /proc/self/mounts`,
  read: answer =>
    answer
      .replace(/,(inode64|relatime)/g, '')
      .replace(
        /(lowerdir|upperdir|workdir|uuid|nouserxattr|index|xino|redirect_dir|metacopy)(=[^,\n]*)?,?/g,
        '',
      )
      .replace(/,$/gm, ''),
})

export const mountChecks: readonly Check[] = [
  {
    name: 'mounts',
    run: "awk '{ print $2 }' /proc/self/mounts | sort",
    read: answer =>
      answer
        .split('\n')
        .filter(target => !/^\/(proc|sys\/(firmware|devices)|sys\/fs\/cgroup\/)/.test(target))
        .join(' '),
    expect:
      '/ /dev /dev/mqueue /dev/pts /dev/shm /etc/hostname /etc/hosts /etc/resolv.conf /sys /sys/fs/cgroup',
  },
  {
    name: 'kind of the root file system',
    run: 'awk \'$2 == "/" { print $3 }\' /proc/self/mounts',
    expect: 'overlay',
  },
  ...[
    ['/proc', 'proc rw,nosuid,nodev,noexec'],
    ['/dev', 'tmpfs rw,nosuid,size=65536k,mode=755'],
    ['/dev/pts', 'devpts rw,nosuid,noexec,gid=5,mode=620,ptmxmode=666'],
    ['/dev/shm', 'tmpfs rw,nosuid,nodev,noexec,size=65536k'],
    ['/dev/mqueue', 'mqueue rw,nosuid,nodev,noexec'],
    ['/sys', 'sysfs ro,nosuid,nodev,noexec'],
  ].map(
    ([target, expect]): Check => ({ name: `mount of ${target}`, ...optionsOf(target!), expect: expect! }),
  ),
  {
    name: 'mount of /sys/fs/cgroup',
    run: `awk '$2 ~ "^/sys/fs/cgroup" { print $4 }' /proc/self/mounts | cut -d, -f1-4 | sort -u`,
    expect: 'ro,nosuid,nodev,noexec\nrw,nosuid,nodev,noexec',
    differs: {
      launcher: {
        expect: 'ro,nosuid,nodev,noexec',
        why: 'the tmpfs that holds the hierarchies is read-only too; with docker it can be written to',
      },
    },
  },
  {
    name: 'propagation of mounts',
    run: "grep -cE ' (shared|master|propagate_from|unbindable):?' /proc/self/mountinfo",
    expect: '1',
    differs: both({
      expect: '0',
      why: "all mounts are private; docker's root hears of what the host mounts below it",
    }),
  },
  { name: 'what /tmp is', run: 'stat -c "%a %F" /tmp', expect: '1777 directory' },
  { name: '/etc/hostname', run: 'cat /etc/hostname', expect: 'isolated' },
  {
    name: '/etc/hosts',
    run: 'cat /etc/hosts',
    read: answer => answer.replaceAll('\t', ' '),
    expect: `127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
fe00::0 ip6-localnet
ff00::0 ip6-mcastprefix
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters`,
  },
  {
    name: '/etc/resolv.conf without a network',
    run: 'cat /etc/resolv.conf',
    read: (answer, host) => (answer.trim() === host.file('/etc/resolv.conf').trim() ? "the host's" : answer),
    expect: "the host's",
  },
  { name: '/etc/mtab', run: 'readlink /etc/mtab', expect: '/proc/mounts' },
  { name: '/.dockerenv', run: 'cat /.dockerenv && echo there', expect: 'there' },
  { name: 'who may write /etc/hosts', run: 'stat -c "%u:%g %a" /etc/hosts', expect: '0:0 644' },
  ...[
    ['mount a tmpfs', 'mount -t tmpfs none /tmp', /permission denied|Operation not permitted/i],
    ['mount proc anew', 'mkdir -p /tmp/p && mount -t proc proc /tmp/p', /permission denied|not permitted/i],
    ['bind mount', 'mount --bind /etc /tmp', /permission denied|not permitted/i],
    ['make /sys writable', 'mount -o remount,rw /sys', /permission denied|not permitted/i],
    ['make /proc/sys writable', 'mount -o remount,rw /proc/sys', /permission denied|not permitted/i],
    ['take a mask off', 'umount /proc/kcore', /not permitted/i],
    ['take /etc/hosts off', 'umount /etc/hosts', /not permitted/i],
  ].map(
    ([name, command, expect]): Check => ({
      name: name as string,
      run: attempted(command as string),
      read: reason,
      expect: expect as RegExp,
    }),
  ),
  { name: "chroot, which docker's capabilities allow", run: 'chroot / /bin/echo done', expect: 'done' },
]
