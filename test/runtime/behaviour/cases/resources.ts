import type { Subject } from '../case.js'

export const resources: Subject = {
  title: 'Limits and privileges',
  cases: [
    {
      name: '--memory that is too little',
      steps: ['run --rm -m 1m IMAGE true'],
      expect: '125 ! too little memory',
    },
    { name: '--memory that is no size', steps: ['run --rm -m 1x IMAGE true'], expect: '125 ! bad size' },
    {
      name: '--memory-swap below --memory',
      steps: ['run --rm -m 64m --memory-swap 32m IMAGE true'],
      expect: '125 ! less swap than memory',
    },
    {
      name: '--cpus',
      steps: [
        'run --rm --cpus 0.5 IMAGE true',
        'run --rm --cpus x IMAGE true',
        'run --rm --cpus 1000 IMAGE true',
      ],
      expect: ['0', '125 ! bad number of processors', '125 ! too many processors'],
    },
    {
      name: '--pids-limit',
      steps: [`run --rm --pids-limit 5 IMAGE sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' 2>&1`],
      expect: `2 ! 2>&1: line 0: can't fork: Resource temporarily unavailable`,
    },
    {
      name: '--ulimit',
      steps: [`run --rm --ulimit nofile=100:200 IMAGE sh -c 'ulimit -Sn; ulimit -Hn'`],
      expect: '0 100 ⏎ 200',
    },
    {
      name: '--ulimit whose soft one is above',
      steps: ['run --rm --ulimit nofile=200:100 IMAGE true'],
      expect: '125 ! bad limit',
    },
    {
      name: 'capabilities',
      steps: ['run --rm IMAGE grep CapEff /proc/self/status'],
      expect: '0 CapEff:	00000000a80425fb',
    },
    {
      name: '--cap-drop ALL',
      steps: [`run --rm --cap-drop ALL IMAGE sh -c 'grep CapEff /proc/self/status; chown 1 /tmp'`],
      expect: '1 CapEff:	0000000000000000 ! chown: /tmp: Operation not permitted',
    },
    {
      name: '--cap-drop ALL --cap-add one',
      steps: [`run --rm --cap-drop ALL --cap-add CHOWN IMAGE grep CapEff /proc/self/status`],
      expect: '0 CapEff:	0000000000000001',
    },
    {
      name: '--cap-add of what there is not',
      steps: ['run --rm --cap-add NOPE IMAGE true'],
      expect: '125 ! no such capability',
    },
    {
      name: '--security-opt no-new-privileges',
      steps: ['run --rm --security-opt no-new-privileges IMAGE grep NoNewPrivs /proc/self/status'],
      expect: '0 NoNewPrivs:	1',
    },
    {
      name: 'no_new_privs where nothing is said',
      steps: ['run --rm IMAGE grep NoNewPrivs /proc/self/status'],
      expect: '0 NoNewPrivs:	0',
      lading: {
        expect: '0 NoNewPrivs:	1',
        why: 'setuid programs gain nothing unless --security-opt no-new-privileges=false',
      },
    },
    {
      name: '--security-opt of something else',
      steps: ['run --rm --security-opt nonsense=1 IMAGE true'],
      expect: '125 ! bad security option',
    },
    {
      name: '--network of something else',
      steps: ['run --rm --network nowhere IMAGE true'],
      expect: '125 ! no such network',
    },
  ],
}
