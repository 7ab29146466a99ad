import type { Subject } from '../case.js'
import { wrongUsage } from './reasons.js'

export const logs: Subject = {
  title: 'logs',
  cases: [
    {
      name: 'both streams apart',
      steps: [`- run --name NAME IMAGE sh -c 'echo out; echo err >&2'`, 'logs NAME'],
      expect: '0 out ! err',
    },
    {
      name: '--tail',
      steps: [
        `- run --name NAME IMAGE seq 5`,
        'logs --tail 2 NAME',
        'logs --tail 0 NAME',
        'logs --tail all NAME',
        'logs -n 1 NAME',
      ],
      expect: ['0 4 ⏎ 5', '0', '0 1 ⏎ 2 ⏎ 3 ⏎ 4 ⏎ 5', '0 5'],
    },
    {
      name: '--tail of no number',
      steps: [`- run --name NAME IMAGE seq 2`, 'logs --tail x NAME'],
      expect: '0 1 ⏎ 2',
      lading: { expect: '2 ! bad number of lines', why: 'docker takes it for all of them; a slip is told' },
    },
    { name: '-t', steps: [`- run --name NAME IMAGE seq 2`, 'logs -t NAME'], expect: '0 TIME 1 ⏎ TIME 2' },
    {
      name: '--since and --until',
      steps: [
        `- run --name NAME IMAGE seq 2`,
        'logs --since 10m NAME',
        'logs --until 10m NAME',
        'logs --since 2001-01-01 NAME',
        'logs --since nonsense NAME',
      ],
      expect: ['0 1 ⏎ 2', '0', '0 1 ⏎ 2', '1 ! bad time'],
      lading: { expect: ['0 1 ⏎ 2', '0', '0 1 ⏎ 2', '2 ! bad time'], why: wrongUsage },
    },
    {
      name: '-f until it ends',
      steps: [`- run -d --name NAME IMAGE sh -c 'echo one; sleep 1; echo two'`, 'logs -f NAME'],
      expect: '0 one ⏎ two',
    },
    {
      name: 'of several starts',
      steps: ['- run --name NAME IMAGE echo once', '- start -a NAME', 'logs NAME'],
      expect: '0 once',
    },
    {
      name: 'a long line',
      steps: [
        `- run --name NAME IMAGE sh -c 'head -c 40000 /dev/zero | tr "\\0" x; echo'`,
        '$ $RUN_OF logs NAME | wc',
      ],
      expect: '0       1       1   40001',
    },
    { name: 'of what is not there', steps: ['logs NAME'], expect: '1 ! no such container' },
  ],
}
