import type { Subject } from '../case.js'

export const exitStatuses: Subject = {
  title: 'Exit statuses',
  cases: [
    { name: 'failure', steps: ['run --rm IMAGE false'], expect: '1' },
    { name: 'a status of the program’s', steps: [`run --rm IMAGE sh -c 'exit 42'`], expect: '42' },
    {
      name: 'a program that is nowhere in $PATH',
      steps: ['run --rm IMAGE nope'],
      expect: '127 ! not found in $PATH',
    },
    { name: 'a path where nothing is', steps: ['run --rm IMAGE /nope'], expect: '127 ! no such program' },
    {
      name: 'a file in $PATH without the right to run',
      steps: ['run --rm IMAGE noexec'],
      expect: '127 ! not found in $PATH',
    },
    {
      name: 'a path to a file without the right to run',
      steps: ['run --rm IMAGE /etc/passwd'],
      expect: '126 ! program not permitted',
    },
    { name: 'a folder', steps: ['run --rm IMAGE /bin'], expect: '126 ! program not permitted' },
    { name: 'a script', steps: ['run --rm IMAGE script a b'], expect: '0 script a b' },
    {
      name: 'a script whose interpreter is nowhere',
      steps: ['run --rm IMAGE /bin/lost'],
      expect: '1 ! exec /bin/lost: no such file or directory',
      lading: {
        expect: '126 ! no such program',
        why: '126 is what docker documents; its runtime finds out too late to say so',
      },
    },
    {
      name: 'a file that is no program',
      steps: ['run --rm IMAGE /bin/garbage'],
      expect: '1 ! exec /bin/garbage: exec format error',
      lading: {
        expect: '126 ! not a program',
        why: '126 is what docker documents; its runtime finds out too late to say so',
      },
    },
    {
      name: 'a program ended by SIGKILL',
      steps: [`run --rm --init IMAGE sh -c 'kill -9 $$'`],
      expect: '137',
    },
    {
      name: 'process 1 that kills itself',
      steps: [`run --rm IMAGE sh -c 'kill -9 $$; echo still'`],
      expect: '0 still',
    },
    {
      name: 'an image that is not there',
      steps: ['run --rm --pull never behave/absent:1 true'],
      expect: '125 ! no such image',
    },
    {
      name: 'an image’s name with capitals',
      steps: ['run --rm Behave/IMAGE true'],
      expect: '125 ! bad image name',
      lading: {
        expect: '125 ! no such image',
        why: 'it could have been the path of an archive, which may be named anyhow',
      },
    },
    {
      name: 'an option that there is not',
      steps: ['run --rm --nonsense IMAGE true'],
      expect: '125 ! bad option',
    },
    {
      name: 'an image without a program',
      image: { Cmd: [] },
      steps: ['run --rm IMAGE'],
      expect: '125 ! no command',
    },
    {
      name: 'more memory than allowed',
      steps: [
        `run --name NAME -m 16m --memory-swap 16m IMAGE sh -c 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'`,
        { look: ['State.Status', 'State.ExitCode', 'State.OOMKilled'] },
      ],
      expect: ['137', '0 State.Status=exited State.ExitCode=137 State.OOMKilled=true'],
    },
    {
      name: 'a program that cannot be run leaves its container as created',
      steps: ['run --name NAME IMAGE nope', { look: ['State.Status', 'State.ExitCode'] }],
      expect: ['127 ! not found in $PATH', '0 State.Status=created State.ExitCode=127'],
    },
    {
      name: 'in the background, a program that cannot be run',
      steps: ['run -d --name NAME IMAGE nope', { look: ['State.Status', 'State.ExitCode'] }],
      expect: ['127 ID ! not found in $PATH', '0 State.Status=created State.ExitCode=127'],
    },
  ],
}
