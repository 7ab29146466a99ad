import type { Subject } from '../case.js'

export const exitStatuses: Subject = {
  title: 'Exit statuses',
  cases: [
    { name: 'failure', steps: ['run --rm IMAGE false'], expect: '?' },
    { name: 'a status of the program’s', steps: [`run --rm IMAGE sh -c 'exit 42'`], expect: '?' },
    { name: 'a program that is nowhere in $PATH', steps: ['run --rm IMAGE nope'], expect: '?' },
    { name: 'a path where nothing is', steps: ['run --rm IMAGE /nope'], expect: '?' },
    { name: 'a file in $PATH without the right to run', steps: ['run --rm IMAGE noexec'], expect: '?' },
    { name: 'a path to a file without the right to run', steps: ['run --rm IMAGE /etc/passwd'], expect: '?' },
    { name: 'a folder', steps: ['run --rm IMAGE /bin'], expect: '?' },
    { name: 'a script', steps: ['run --rm IMAGE script a b'], expect: '?' },
    { name: 'a script whose interpreter is nowhere', steps: ['run --rm IMAGE /bin/lost'], expect: '?' },
    { name: 'a file that is no program', steps: ['run --rm IMAGE /bin/garbage'], expect: '?' },
    { name: 'an empty word as program', steps: [`run --rm IMAGE ''`], expect: '?' },
    { name: 'a program ended by SIGKILL', steps: [`run --rm --init IMAGE sh -c 'kill -9 $$'`], expect: '?' },
    {
      name: 'a program ended by SIGSEGV',
      steps: [`run --rm --init IMAGE sh -c 'kill -SEGV $$'`],
      expect: '?',
    },
    {
      name: 'process 1 that kills itself',
      steps: [`run --rm IMAGE sh -c 'kill -9 $$; echo still'`],
      expect: '?',
    },
    {
      name: 'an image that is not there',
      steps: ['run --rm --pull never behave/absent:1 true'],
      expect: '?',
    },
    { name: 'an image’s name with capitals', steps: ['run --rm Behave/IMAGE true'], expect: '?' },
    { name: 'an option that there is not', steps: ['run --rm --nonsense IMAGE true'], expect: '?' },
    { name: 'an image without a program', image: { Cmd: [] }, steps: ['run --rm IMAGE'], expect: '?' },
    {
      name: 'more memory than allowed',
      steps: [
        `run --name NAME -m 16m --memory-swap 16m IMAGE sh -c 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'`,
        { look: ['State.Status', 'State.ExitCode', 'State.OOMKilled'] },
      ],
      expect: '?',
    },
    {
      name: 'a program that cannot be run leaves its container as created',
      steps: ['run --name NAME IMAGE nope', { look: ['State.Status', 'State.ExitCode'] }],
      expect: '?',
    },
    {
      name: 'in the background, a program that cannot be run',
      steps: ['run -d --name NAME IMAGE nope', { look: ['State.Status', 'State.ExitCode'] }],
      expect: '?',
    },
  ],
}
