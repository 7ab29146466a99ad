import type { Subject } from '../case.js'

export const resources: Subject = {
  title: 'Limits and privileges',
  cases: [
    { name: '--memory that is too little', steps: ['run --rm -m 1m IMAGE true'], expect: '?' },
    { name: '--memory that is no size', steps: ['run --rm -m 1x IMAGE true'], expect: '?' },
    {
      name: '--memory-swap below --memory',
      steps: ['run --rm -m 64m --memory-swap 32m IMAGE true'],
      expect: '?',
    },
    {
      name: '--cpus',
      steps: [
        'run --rm --cpus 0.5 IMAGE true',
        'run --rm --cpus x IMAGE true',
        'run --rm --cpus 1000 IMAGE true',
      ],
      expect: '?',
    },
    {
      name: '--pids-limit',
      steps: [`run --rm --pids-limit 5 IMAGE sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' 2>&1`],
      expect: '?',
    },
    { name: '--cpuset-cpus', steps: [`run --rm --cpuset-cpus 0 IMAGE nproc`], expect: '?' },
    {
      name: '--ulimit',
      steps: [`run --rm --ulimit nofile=100:200 IMAGE sh -c 'ulimit -Sn; ulimit -Hn'`],
      expect: '?',
    },
    {
      name: '--ulimit whose soft one is above',
      steps: ['run --rm --ulimit nofile=200:100 IMAGE true'],
      expect: '?',
    },
    { name: 'capabilities', steps: ['run --rm IMAGE grep CapEff /proc/self/status'], expect: '?' },
    {
      name: '--cap-drop ALL',
      steps: [`run --rm --cap-drop ALL IMAGE sh -c 'grep CapEff /proc/self/status; chown 1 /tmp'`],
      expect: '?',
    },
    { name: '--cap-drop one', steps: [`run --rm --cap-drop chown IMAGE chown 1 /tmp`], expect: '?' },
    {
      name: '--cap-drop ALL --cap-add one',
      steps: [`run --rm --cap-drop ALL --cap-add CHOWN IMAGE grep CapEff /proc/self/status`],
      expect: '?',
    },
    {
      name: '--cap-add with CAP_',
      steps: [`run --rm --cap-add CAP_NET_ADMIN IMAGE grep CapEff /proc/self/status`],
      expect: '?',
    },
    { name: '--cap-add of what there is not', steps: ['run --rm --cap-add NOPE IMAGE true'], expect: '?' },
    {
      name: '--security-opt no-new-privileges',
      steps: ['run --rm --security-opt no-new-privileges IMAGE grep NoNewPrivs /proc/self/status'],
      expect: '?',
    },
    {
      name: 'no_new_privs where nothing is said',
      steps: ['run --rm IMAGE grep NoNewPrivs /proc/self/status'],
      expect: '?',
    },
    {
      name: '--security-opt seccomp=unconfined',
      steps: ['run --rm --security-opt seccomp=unconfined IMAGE grep Seccomp: /proc/self/status'],
      expect: '?',
    },
    {
      name: '--security-opt of something else',
      steps: ['run --rm --security-opt nonsense=1 IMAGE true'],
      expect: '?',
    },
    { name: '--network of something else', steps: ['run --rm --network nowhere IMAGE true'], expect: '?' },
  ],
}
