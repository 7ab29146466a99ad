import type { Subject } from '../case.js'

export const terminals: Subject = {
  title: 'Terminals',
  cases: [
    {
      name: 'of its own',
      steps: [
        { run: `run --rm -it IMAGE sh -c 'tty; test -t 0 && test -t 1 && test -t 2 && echo all'`, types: [] },
      ],
      expect: '0 /dev/pts/0 ⏎ all',
    },
    {
      name: 'with the size of ours',
      steps: [{ run: `run --rm -it IMAGE sh -c 'sleep 0.5; stty size'`, types: [] }],
      expect: '0 30 100',
    },
    {
      name: '-t alone',
      steps: [`run --rm -t IMAGE sh -c 'tty; echo err >&2'`],
      expect: '0 /dev/pts/0 ⏎ err',
    },
    {
      name: '-it without a terminal here',
      steps: [{ run: 'run --rm -it IMAGE cat', input: 'x' }],
      expect: '1 ! no terminal here',
    },
    {
      name: 'what is typed reaches the program',
      steps: [
        { run: `run --rm -it IMAGE sh -c 'echo ready; read x; echo got $x'`, types: [['ready', 'words\r']] },
      ],
      expect: '0 ready ⏎ words ⏎ got words',
    },
    {
      name: '^C',
      steps: [
        {
          run: `run --rm -it IMAGE sh -c 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.1; done'`,
          types: [['ready', '\x03']],
        },
      ],
      expect: '5 ready ⏎ ^Ccaught',
    },
    {
      name: '^D ends a shell',
      steps: [{ run: `run --rm -it IMAGE sh -c 'echo ready; cat; echo end'`, types: [['ready', '\x04']] }],
      expect: '0 ready ⏎ end',
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
      expect: ['1 one ⏎ got one ⏎ left', '0 State.Status=running'],
    },
    {
      name: '^P^Q in what run shows',
      steps: [
        {
          run: `run -it IMAGE sh -c 'stty raw -echo; echo ready; head -c 2 | od -An -tx1'`,
          types: [['ready', '\x10\x11']],
        },
      ],
      expect: '0 ready',
      lading: {
        expect: '0 ready ⏎  10 11',
        why: 'what runs in the foreground is a child of its command and ends with it: there is nothing to go on without it; -d and attach are for that',
      },
    },
    {
      name: '^P without ^Q reaches the program',
      steps: [
        {
          run: `run --rm -it IMAGE sh -c 'stty -icanon -echo; echo ready; head -c 2 | od -An -tx1'`,
          types: [['ready', '\x10x']],
        },
      ],
      expect: '0 ready ⏎  10 78',
    },
    {
      name: '/dev/console',
      steps: [
        { run: `run --rm -it IMAGE sh -c 'test -c /dev/console && echo said > /dev/console'`, types: [] },
        'run --rm IMAGE test -e /dev/console',
      ],
      expect: ['0 said', '1'],
    },
  ],
}
