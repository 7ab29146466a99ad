import type { Subject } from '../case.js'

export const exec: Subject = {
  title: 'exec',
  cases: [
    {
      name: 'a status of the program’s',
      steps: ['- run -d --name NAME IMAGE sleep 60', `exec NAME sh -c 'echo out; echo err >&2; exit 3'`],
      expect: '?',
    },
    {
      name: 'programs that cannot be run',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        'exec NAME nope',
        'exec NAME /nope',
        'exec NAME /etc/passwd',
        'exec NAME noexec',
      ],
      expect: '?',
    },
    {
      name: 'ended by a signal',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        `exec NAME sh -c 'kill -9 $$'`,
        `exec NAME sh -c 'kill -TERM $$'`,
      ],
      expect: '?',
    },
    {
      name: '-u',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        `exec -u app NAME id`,
        'exec -u 4242:4343 NAME id',
        'exec -u nobody NAME id',
      ],
      expect: '?',
    },
    {
      name: 'as the container’s user',
      steps: [
        '- run -d -u app --group-add 77 --name NAME IMAGE sleep 60',
        `exec NAME sh -c 'id; echo $HOME'`,
        `exec -u root NAME sh -c 'id; echo $HOME'`,
      ],
      expect: '?',
    },
    {
      name: '-w',
      steps: [
        '- run -d -w /data --name NAME IMAGE sleep 60',
        `exec NAME pwd`,
        'exec -w /etc NAME pwd',
        'exec -w /no/such NAME pwd',
        'exec -w etc NAME pwd',
      ],
      expect: '?',
    },
    {
      name: '-e',
      steps: [
        '- run -d -e A=1 -e B=1 --name NAME IMAGE sleep 60',
        `exec -e B=2 -e C=3 NAME sh -c 'echo $A $B $C'`,
      ],
      expect: '?',
    },
    {
      name: '-i',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        { run: 'exec -i NAME cat', input: 'in' },
        { run: 'exec NAME cat', input: 'in' },
      ],
      expect: '?',
    },
    {
      name: '-it',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        { run: `exec -it NAME sh -c 'test -t 0 && sleep 0.5; stty size; echo $TERM; exit 4'`, types: [] },
      ],
      expect: '?',
    },
    {
      name: '-d',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        `exec -d NAME sh -c 'echo done > /tmp/x'`,
        { until: 'exec NAME cat /tmp/x', says: 'done' },
        'exec -d NAME nope',
      ],
      expect: '?',
    },
    {
      name: 'capabilities',
      steps: [
        '- run -d --cap-drop ALL --name NAME IMAGE sleep 60',
        'exec NAME grep CapEff /proc/self/status',
      ],
      expect: '?',
    },
    {
      name: 'in the same group and namespaces',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        `exec NAME sh -c 'ps -o pid,comm | grep sleep; for n in mnt uts ipc net pid; do test $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) || echo $n; done'`,
      ],
      expect: '?',
    },
    { name: 'in what does not run', steps: ['- create --name NAME IMAGE', 'exec NAME true'], expect: '?' },
    { name: 'in what is not there', steps: ['exec NAME true'], expect: '?' },
    { name: 'without a program', steps: ['exec NAME'], expect: '?' },
    {
      name: 'ends when the container does',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        { start: `exec NAME sh -c 'echo up > /tmp/up; exec sleep 60'` },
        { until: 'exec NAME cat /tmp/up', says: 'up' },
        '- kill NAME',
        { end: true },
      ],
      expect: '?',
    },
  ],
}
