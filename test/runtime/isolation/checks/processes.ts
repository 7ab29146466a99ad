import { both, type Check, sorted } from '../check.js'

const status = (field: string) => `awk '/^${field}:/ { print $2 }' /proc/self/status`

const ownPath = both({
  expect: '/',
  why: 'in its control group namespace the group is the root; docker shows the path on the host',
})

export const processChecks: readonly Check[] = [
  { name: 'inheritable capabilities', run: status('CapInh'), expect: '0000000000000000' },
  { name: 'permitted capabilities', run: status('CapPrm'), expect: '00000000a80425fb' },
  { name: 'effective capabilities', run: status('CapEff'), expect: '00000000a80425fb' },
  { name: 'bounding capabilities', run: status('CapBnd'), expect: '00000000a80425fb' },
  { name: 'ambient capabilities', run: status('CapAmb'), expect: '0000000000000000' },
  {
    name: 'capabilities of another user',
    run: 'su app -c \'grep -E "Cap(Prm|Eff)" /proc/self/status | cut -f2\'',
    expect: '0000000000000000\n0000000000000000',
  },
  {
    name: 'no_new_privs',
    run: status('NoNewPrivs'),
    expect: '0',
    differs: both({
      expect: '1',
      why: 'programs gain nothing by setuid unless --security-opt no-new-privileges=false; docker leaves it off',
    }),
  },
  { name: 'seccomp mode', run: status('Seccomp'), expect: '2' },
  { name: 'blocked signals', run: status('SigBlk'), expect: '0000000000000000' },
  { name: 'pending signals', run: status('SigPnd'), expect: '0000000000000000' },
  { name: 'user and groups', run: 'id', expect: 'uid=0(root) gid=0(root) groups=0(root)' },
  {
    name: 'IDs in the user namespace',
    run: "awk '{ print $1, $2, $3 }' /proc/self/uid_map",
    expect: '0 0 4294967295',
  },
  { name: 'umask', run: 'umask', expect: '0022' },
  { name: 'working directory', run: 'pwd; readlink /proc/1/cwd', expect: '/\n/' },
  { name: 'root directory', run: 'readlink /proc/1/root', expect: '/' },
  {
    name: 'environment',
    run: "tr '\\0' '\\n' < /proc/1/environ",
    read: sorted,
    expect:
      'HOME=/root\nHOSTNAME=isolated\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  },
  {
    name: 'open descriptors',
    // 3 is ls reading the folder, or the shell's script.
    run: 'for fd in /proc/1/fd/*; do echo ${fd##*/}; done',
    expect: '0\n1\n2',
  },
  {
    name: 'standard input',
    run: 'readlink /proc/1/fd/0',
    read: answer => answer.replace(/\[\d+\]/, ''),
    expect: '/dev/null',
    differs: { runc: { expect: 'pipe:', why: 'runc passes on what it is given through a pipe of its own' } },
  },
  {
    name: 'path of the control group',
    run: 'grep -E ":(memory|pids):|^0::" /proc/self/cgroup | head -1 | cut -d: -f3',
    read: answer => answer.replace(/[0-9a-f]{64}/, 'ID'),
    expect: '/docker/ID',
    differs: ownPath,
  },
  { name: 'OOM score', run: 'cat /proc/self/oom_score_adj', expect: '0' },
  { name: 'controlling terminal', run: "awk '{ print $7 }' /proc/1/stat", expect: '0' },
  { name: 'priority', run: "awk '{ print $19 }' /proc/1/stat", expect: '0' },
  {
    name: 'limits',
    run: "awk 'NR > 1' /proc/self/limits",
    read: (answer, host) => {
      const limits = (text: string) =>
        text
          .split('\n')
          .map(line => line.trim())
          .filter(line => !/^(Max (open files|processes|core|locked)|Limit)/.test(line) && line !== '')
          .join('\n')
      return limits(answer) === limits(host.file('/proc/self/limits')) ? "the host's" : limits(answer)
    },
    expect: "the host's",
  },
  { name: 'dumpable', run: 'stat -c %u /proc/1/mem', expect: '0' },
  { name: 'tracer', run: status('TracerPid'), expect: '0' },
  { name: 'speculation control', run: 'grep -c "Speculation_Store_Bypass" /proc/self/status', expect: '1' },
]
