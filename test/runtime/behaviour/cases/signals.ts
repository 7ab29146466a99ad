import type { Subject } from '../case.js'
import { wrongUsage } from './reasons.js'

export const signals: Subject = {
  title: 'Signals and process 1',
  cases: [
    {
      name: 'SIGTERM to the command goes to the program',
      steps: [
        {
          start: `run --name NAME IMAGE sh -c 'trap "echo term; exit 7" TERM; echo up; while :; do sleep 0.1; done'`,
        },
        { until: 'logs NAME', says: 'up' },
        { signal: 'SIGTERM' },
        { end: true },
      ],
      expect: '7 up ⏎ term',
    },
    {
      name: 'SIGINT to the command goes to the program',
      steps: [
        {
          start: `run --name NAME IMAGE sh -c 'trap "echo int; exit 8" INT; echo up; while :; do sleep 0.1; done'`,
        },
        { until: 'logs NAME', says: 'up' },
        { signal: 'SIGINT' },
        { end: true },
      ],
      expect: '8 up ⏎ int',
    },
    {
      name: 'SIGTERM to the command, with --init',
      steps: [
        { start: `run --name NAME --init IMAGE sh -c 'echo up; exec sleep 60'` },
        { until: 'logs NAME', says: 'up' },
        { signal: 'SIGTERM' },
        { end: true },
      ],
      expect: '143 up',
    },
    {
      name: 'process 1 does not heed SIGTERM that it does not handle',
      steps: [
        `- run -d --name NAME IMAGE sh -c 'echo up; exec sleep 60'`,
        { until: 'logs NAME', says: 'up' },
        '- kill -s TERM NAME',
        { look: ['State.Status'] },
        '- kill NAME',
        { look: ['State.Status', 'State.ExitCode'] },
      ],
      expect: ['0 State.Status=running', '0 State.Status=exited State.ExitCode=137'],
    },
    {
      name: 'kill -s',
      steps: [
        `- run -d --name NAME IMAGE sh -c 'trap "exit 6" HUP; echo up; while :; do sleep 0.1; done'`,
        { until: 'logs NAME', says: 'up' },
        'kill -s SIGHUP NAME',
        'wait NAME',
      ],
      expect: ['0 NAME', '0 6'],
    },
    {
      name: 'kill with a signal that there is not',
      steps: [`- run -d --name NAME IMAGE sleep 60`, 'kill -s NOPE NAME'],
      expect: '1 ! bad signal',
      lading: { expect: '2 ! bad signal', why: wrongUsage },
    },
    {
      name: 'kill of a container that does not run',
      steps: ['- create --name NAME IMAGE', 'kill NAME'],
      expect: '1 ! not running',
    },
    {
      name: 'stop of a program that heeds it',
      steps: [
        `- run -d --name NAME IMAGE sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done'`,
        { until: 'logs NAME', says: 'up' },
        'stop NAME',
        'logs NAME',
        { look: ['State.Status', 'State.ExitCode'] },
      ],
      expect: ['0 NAME', '0 up ⏎ bye', '0 State.Status=exited State.ExitCode=3'],
    },
    {
      name: 'stop of a program that does not',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        'stop -t 1 NAME',
        { look: ['State.Status', 'State.ExitCode'] },
      ],
      expect: ['0 NAME', '0 State.Status=exited State.ExitCode=137'],
    },
    {
      name: 'stop with STOPSIGNAL of the image',
      image: { StopSignal: 'SIGUSR1' },
      steps: [
        `- run -d --name NAME IMAGE sh -c 'trap "exit 12" USR1; echo up; while :; do sleep 0.1; done'`,
        { until: 'logs NAME', says: 'up' },
        'stop NAME',
        { look: ['State.ExitCode'] },
      ],
      expect: ['0 NAME', '0 State.ExitCode=12'],
    },
    {
      name: '--stop-signal that there is not',
      steps: ['run --rm --stop-signal NOPE IMAGE true'],
      expect: '125 ! bad signal',
    },
    {
      name: 'stop of a container that does not run',
      steps: ['- create --name NAME IMAGE', 'stop NAME', { look: ['State.Status'] }],
      expect: ['0 NAME', '0 State.Status=created'],
    },
    {
      name: 'without --init nobody reaps',
      steps: [
        `run --rm IMAGE sh -c '(sleep 0.1 & exec true); exec sh -c "sleep 0.5; ps -o stat,comm | grep -c ^Z"'`,
      ],
      expect: '1 0',
    },
    {
      name: '--init reaps',
      steps: [
        `run --rm --init IMAGE sh -c '(sleep 0.1 & exec true); exec sh -c "sleep 0.5; ps -o stat,comm | grep -c ^Z"'`,
      ],
      expect: '1 0',
    },
    {
      name: 'the program is process 1, or has another before it',
      steps: [`run --rm IMAGE sh -c 'echo $$'`, `run --rm --init IMAGE sh -c 'test $$ -gt 1'`],
      expect: ['0 1', '0'],
    },
  ],
}
