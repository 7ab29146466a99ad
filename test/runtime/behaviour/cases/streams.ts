import type { Subject } from '../case.js'

export const streams: Subject = {
  title: 'Input and output',
  cases: [
    {
      name: 'both outputs stay apart',
      steps: [`run --rm IMAGE sh -c 'echo out; echo err >&2'`],
      expect: '0 out ! err',
    },
    {
      name: 'input with -i',
      steps: [{ run: 'run --rm -i IMAGE cat', input: 'one\ntwo\n' }],
      expect: '0 one ⏎ two',
    },
    { name: 'input without -i', steps: [{ run: 'run --rm IMAGE cat', input: 'one\n' }], expect: '0' },
    {
      name: 'a program that closes its output',
      steps: [`run --rm IMAGE sh -c 'echo out; exec >&-; sleep 0.2; echo err >&2; exit 4'`],
      expect: '4 out ! err',
    },
    {
      name: 'a process in the background that holds the output',
      steps: [`run --rm IMAGE sh -c 'sleep 60 & echo out'`],
      expect: '0 out',
    },
    {
      name: 'bytes that are no text',
      steps: [`$ $RUN --rm IMAGE printf '\\000\\377' | od -An -tx1`],
      expect: '0  00 ff',
    },
    {
      name: 'a reader that leaves early',
      steps: [`$ $RUN --rm IMAGE yes 2>/dev/null | head -n 1`],
      expect: '0 y',
    },
    {
      name: 'standard output by its name',
      steps: [
        `run --rm IMAGE sh -c 'echo out > /dev/stdout'`,
        `run --rm -u app IMAGE sh -c 'echo out > /dev/stdout'`,
      ],
      expect: ['0 out', '0 out'],
    },
  ],
}
