import type { Subject } from '../case.js'

export const terminals: Subject = {
  title: 'Terminals',
  cases: [
    {
      name: 'of its own',
      steps: [
        { run: `run --rm -it IMAGE sh -c 'tty; test -t 0 && test -t 1 && test -t 2 && echo all'`, types: [] },
      ],
      expect: '?',
    },
    {
      name: 'with the size of ours',
      steps: [{ run: `run --rm -it IMAGE sh -c 'sleep 0.5; stty size'`, types: [] }],
      expect: '?',
    },
    { name: '-t alone', steps: [`run --rm -t IMAGE sh -c 'tty; echo err >&2'`], expect: '?' },
    {
      name: '-it without a terminal here',
      steps: [{ run: 'run --rm -it IMAGE cat', input: 'x' }],
      expect: '?',
    },
    {
      name: 'what is typed reaches the program',
      steps: [
        { run: `run --rm -it IMAGE sh -c 'echo ready; read x; echo got $x'`, types: [['ready', 'words\r']] },
      ],
      expect: '?',
    },
    {
      name: '^C',
      steps: [
        {
          run: `run --rm -it IMAGE sh -c 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.1; done'`,
          types: [['ready', '\x03']],
        },
      ],
      expect: '?',
    },
    {
      name: '^D ends a shell',
      steps: [{ run: `run --rm -it IMAGE sh -c 'echo ready; cat; echo end'`, types: [['ready', '\x04']] }],
      expect: '?',
    },
    {
      name: 'exit of a shell',
      steps: [
        { run: `run --rm -it -h box IMAGE sh -c 'echo ready; read x; exit $x'`, types: [['ready', '7\r']] },
      ],
      expect: '?',
    },
    {
      name: 'job control',
      steps: [
        { run: `run --rm -it IMAGE sh -mc 'sleep 60 & jobs | grep -c sleep; kill %1; echo done'`, types: [] },
      ],
      expect: '?',
    },
    {
      name: '^P^Q leaves what attach shows',
      steps: [
        `- run -dit --name NAME IMAGE sh -c 'while read x; do echo got $x; done'`,
        {
          run: 'attach NAME',
          types: [
            ['', 'one\r'],
            ['got one', '\x10\x11'],
          ],
        },
        { look: ['State.Status'] },
      ],
      expect: '?',
    },
    {
      name: '^P^Q leaves what run shows',
      steps: [
        {
          run: `run -it --name NAME IMAGE sh -c 'echo ready; while read x; do echo got $x; done'`,
          types: [['ready', '\x10\x11']],
        },
        { look: ['State.Status'] },
        {
          run: 'attach NAME',
          types: [
            ['', 'two\r'],
            ['got two', '\x04'],
          ],
        },
        { look: ['State.Status', 'State.ExitCode'] },
      ],
      expect: '?',
    },
    {
      name: '^P without ^Q reaches the program',
      steps: [
        {
          run: `run --rm -it IMAGE sh -c 'stty -icanon -echo; echo ready; head -c 2 | od -An -tx1'`,
          types: [['ready', '\x10x']],
        },
      ],
      expect: '?',
    },
    {
      name: '/dev/console',
      steps: [
        { run: `run --rm -it IMAGE sh -c 'test -c /dev/console && echo said > /dev/console'`, types: [] },
        'run --rm IMAGE test -e /dev/console',
      ],
      expect: '?',
    },
    {
      name: 'of a user',
      steps: [{ run: `run --rm -it -u app IMAGE sh -c 'stat -c %U $(tty); echo said > $(tty)'`, types: [] }],
      expect: '?',
    },
  ],
}
