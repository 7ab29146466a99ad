import type { Subject } from '../case.js'

export const logs: Subject = {
  title: 'logs',
  cases: [
    {
      name: 'both streams apart',
      steps: [`- run --name NAME IMAGE sh -c 'echo out; echo err >&2'`, 'logs NAME'],
      expect: '?',
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
      expect: '?',
    },
    {
      name: '--tail of no number',
      steps: [`- run --name NAME IMAGE seq 2`, 'logs --tail x NAME'],
      expect: '?',
    },
    { name: '-t', steps: [`- run --name NAME IMAGE seq 2`, 'logs -t NAME'], expect: '?' },
    {
      name: '--since and --until',
      steps: [
        `- run --name NAME IMAGE seq 2`,
        'logs --since 10m NAME',
        'logs --until 10m NAME',
        'logs --since 2001-01-01 NAME',
        'logs --since nonsense NAME',
      ],
      expect: '?',
    },
    {
      name: '-f until it ends',
      steps: [`- run -d --name NAME IMAGE sh -c 'echo one; sleep 1; echo two'`, 'logs -f NAME'],
      expect: '?',
    },
    {
      name: 'of several starts',
      steps: ['- run --name NAME IMAGE echo once', '- start -a NAME', 'logs NAME'],
      expect: '?',
    },
    {
      name: 'of a terminal',
      steps: [`- run -t --name NAME IMAGE sh -c 'echo out; echo err >&2'`, 'logs NAME'],
      expect: '?',
    },
    {
      name: 'without an end of line',
      steps: [`- run --name NAME IMAGE printf 'no end'`, 'logs NAME'],
      expect: '?',
    },
    {
      name: 'a long line',
      steps: [
        `- run --name NAME IMAGE sh -c 'head -c 40000 /dev/zero | tr "\\0" x; echo'`,
        '$ $RUN_OF logs NAME | wc',
      ],
      expect: '?',
    },
    { name: 'of what was never started', steps: ['- create --name NAME IMAGE', 'logs NAME'], expect: '?' },
    { name: 'of what is not there', steps: ['logs NAME'], expect: '?' },
  ],
}
