import type { Subject } from '../case.js'

export const streams: Subject = {
  title: 'Input and output',
  cases: [
    {
      name: 'both outputs stay apart',
      steps: [`run --rm IMAGE sh -c 'echo out; echo err >&2'`],
      expect: '?',
    },
    { name: 'input with -i', steps: [{ run: 'run --rm -i IMAGE cat', input: 'one\ntwo\n' }], expect: '?' },
    { name: 'input without -i', steps: [{ run: 'run --rm IMAGE cat', input: 'one\n' }], expect: '?' },
    {
      name: 'input without an end of line',
      steps: [{ run: 'run --rm -i IMAGE wc -c', input: 'one' }],
      expect: '?',
    },
    {
      name: 'a program that closes its output',
      steps: [`run --rm IMAGE sh -c 'echo out; exec >&-; sleep 0.2; echo err >&2; exit 4'`],
      expect: '?',
    },
    {
      name: 'a process in the background that holds the output',
      steps: [`run --rm IMAGE sh -c 'sleep 60 & echo out'`],
      expect: '?',
    },
    {
      name: '/dev/stdout for an ordinary user',
      steps: [`run --rm -u app IMAGE sh -c 'echo said > /dev/stdout'`],
      expect: '?',
    },
    {
      name: 'bytes that are no text',
      steps: [`$ $RUN --rm IMAGE printf '\\000\\377' | od -An -tx1`],
      expect: '?',
    },
    {
      name: 'a reader that leaves early',
      steps: [`$ $RUN --rm IMAGE yes 2>/dev/null | head -n 1`],
      expect: '?',
    },
    { name: 'much output', steps: [`$ $RUN --rm IMAGE head -c 20000000 /dev/zero | wc -c`], expect: '?' },
    {
      name: 'much output of an ordinary user',
      steps: [`$ $RUN --rm -u app IMAGE head -c 20000000 /dev/zero | wc -c`],
      expect: '?',
    },
    { name: 'much input', steps: [`$ head -c 5000000 /dev/zero | $RUN --rm -i IMAGE wc -c`], expect: '?' },
  ],
}
