import type { Subject } from '../case.js'
import { ownFailure, toStandardOutput, wrongUsage } from './reasons.js'

export const exec: Subject = {
  title: 'exec',
  cases: [
    {
      name: 'a status of the program’s',
      steps: ['- run -d --name NAME IMAGE sleep 60', `exec NAME sh -c 'echo out; echo err >&2; exit 3'`],
      expect: '3 out ! err',
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
      expect: [
        '126 not found in $PATH',
        '126 no such program',
        '126 program not permitted',
        '126 not found in $PATH',
      ],
      lading: {
        expect: [
          '127 ! not found in $PATH',
          '127 ! no such program',
          '126 ! program not permitted',
          '127 ! not found in $PATH',
        ],
        why: 'told apart as with run: 127 for what is not there; the message is on standard error',
      },
    },
    {
      name: '-u',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        `exec -u app NAME id`,
        'exec -u 4242:4343 NAME id',
        'exec -u nobody NAME id',
      ],
      expect: [
        '0 uid=1000(app) gid=1000(app) groups=29(audio),100(users),1000(app)',
        '0 uid=4242 gid=4343 groups=4343',
        '126 no such user',
      ],
      lading: {
        expect: [
          '0 uid=1000(app) gid=1000(app) groups=29(audio),100(users),1000(app)',
          '0 uid=4242 gid=4343 groups=4343',
          '126 ! no such user',
        ],
        why: toStandardOutput,
      },
    },
    {
      name: 'as the container’s user',
      steps: [
        '- run -d -u app --group-add 77 --name NAME IMAGE sleep 60',
        `exec NAME sh -c 'id; echo $HOME'`,
        `exec -u root NAME sh -c 'id; echo $HOME'`,
      ],
      expect: [
        '0 uid=1000(app) gid=1000(app) groups=29(audio),77,100(users),1000(app) ⏎ /home/app',
        '0 uid=0(root) gid=0(root) groups=0(root),77 ⏎ /root',
      ],
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
      expect: ['0 /data', '0 /etc', '126 no such working directory', '126 working directory not absolute'],
      lading: {
        expect: [
          '0 /data',
          '0 /etc',
          '126 ! no such working directory',
          '126 ! working directory not absolute',
        ],
        why: toStandardOutput,
      },
    },
    {
      name: '-i',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        { run: 'exec -i NAME cat', input: 'in' },
        { run: 'exec NAME cat', input: 'in' },
      ],
      expect: ['0 in', '0'],
    },
    {
      name: '-it',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        { run: `exec -it NAME sh -c 'test -t 0 && sleep 0.5; stty size; echo $TERM; exit 4'`, types: [] },
      ],
      expect: '4 30 100 ⏎ xterm',
    },
    {
      name: '-d',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        `exec -d NAME sh -c 'echo done > /tmp/x'`,
        { until: 'exec NAME cat /tmp/x', says: 'done' },
        'exec -d NAME nope',
      ],
      expect: ['0', '1 ! not found in $PATH'],
      lading: { expect: ['0', '127 ! not found in $PATH'], why: 'as with run: 127 for what is not there' },
    },
    {
      name: 'in the same group and namespaces',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        `exec NAME sh -c 'ps -o pid,comm | grep sleep; for n in mnt uts ipc net pid; do test $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) || echo $n; done'`,
      ],
      expect: '0     1 sleep',
    },
    {
      name: 'in what does not run',
      steps: ['- create --name NAME IMAGE', 'exec NAME true'],
      expect: '1 ! not running',
      lading: { expect: '125 ! not running', why: ownFailure },
    },
    {
      name: 'in what is not there',
      steps: ['exec NAME true'],
      expect: '1 ! no such container',
      lading: { expect: '125 ! no such container', why: ownFailure },
    },
    {
      name: 'without a program',
      steps: ['exec NAME'],
      expect: '1 ! word missing',
      lading: { expect: '2 ! word missing', why: wrongUsage },
    },
    {
      name: 'ends when the container does',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        { start: `exec NAME sh -c 'echo up > /tmp/up; exec sleep 60'` },
        { until: 'exec NAME cat /tmp/up', says: 'up' },
        '- kill NAME',
        { end: true },
      ],
      expect: '137',
    },
  ],
}
