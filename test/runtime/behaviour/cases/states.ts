import type { Subject } from '../case.js'
import { ownFailure } from './reasons.js'

export const states: Subject = {
  title: 'Life of a container',
  cases: [
    {
      name: 'created, started, ended',
      steps: [
        '- create --name NAME IMAGE sh -c "exit 3"',
        { look: ['State.Status', 'State.ExitCode'] },
        'start -a NAME',
        { look: ['State.Status', 'State.ExitCode'] },
      ],
      expect: ['0 State.Status=created State.ExitCode=0', '3', '0 State.Status=exited State.ExitCode=3'],
    },
    {
      name: 'start again, with the same files',
      steps: [
        `- run --name NAME IMAGE sh -c 'echo run >> /runs'`,
        '- start -a NAME',
        '- cp NAME:/runs DIR/runs',
        '$ cat runs',
      ],
      expect: '0 run',
    },
    {
      name: 'start of what is not there',
      steps: ['start NAME', 'start -a NAME'],
      expect: ['1 ! no such container', '1 ! no such container'],
      lading: { expect: ['1 ! no such container', '125 ! no such container'], why: ownFailure },
    },
    {
      name: 'run -d --rm leaves nothing',
      steps: [
        `- run -d --rm --name NAME IMAGE sh -c 'sleep 1; exit 4'`,
        'wait NAME',
        { until: 'logs NAME', says: 'o such' },
        'rm NAME',
      ],
      expect: ['0 4', '1 ! no such container'],
    },
    {
      name: 'wait of what was never started',
      steps: ['- create --name NAME IMAGE', 'wait NAME'],
      expect: '0 0',
    },
    {
      name: 'wait of several',
      steps: [
        `- run -d --name NAME IMAGE sh -c 'sleep 0.3; exit 1'`,
        `- run -d --name OTHER IMAGE sh -c 'exit 2'`,
        'wait NAME OTHER',
      ],
      expect: '0 1 ⏎ 2',
    },
    {
      name: 'pause and unpause',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        'pause NAME',
        { look: ['State.Status'] },
        'pause NAME',
        'exec NAME true',
        'unpause NAME',
        { look: ['State.Status'] },
        'unpause NAME',
      ],
      expect: [
        '0 NAME',
        '0 State.Status=paused',
        '1 ! already paused',
        '1 ! paused',
        '0 NAME',
        '0 State.Status=running',
        '1 ! not paused',
      ],
      lading: {
        expect: [
          '0 NAME',
          '0 State.Status=paused',
          '1 ! already paused',
          '125 ! paused',
          '0 NAME',
          '0 State.Status=running',
          '1 ! not paused',
        ],
        why: ownFailure,
      },
    },
    {
      name: 'stop of what is paused',
      steps: [
        `- run -d --name NAME IMAGE sleep 60`,
        '- pause NAME',
        'stop -t 1 NAME',
        { look: ['State.Status', 'State.ExitCode'] },
      ],
      expect: ['0 NAME', '0 State.Status=exited State.ExitCode=137'],
    },
    {
      name: 'rm of what runs',
      steps: ['- run -d --name NAME IMAGE sleep 60', 'rm NAME', 'rm -f NAME', 'rm NAME'],
      expect: ['1 ! running', '0 NAME', '1 ! no such container'],
    },
    { name: 'rm -f of what is not there', steps: ['rm -f NAME'], expect: '0 ! no such container' },
    {
      name: 'its first process killed from the host',
      steps: [
        `- run -d --name NAME --init IMAGE sleep 60`,
        `exec NAME sh -c 'kill -9 $(pidof sleep)'`,
        'wait NAME',
      ],
      expect: ['0', '0 137'],
    },
    {
      name: '--cidfile',
      steps: ['- create --name NAME --cidfile DIR/id IMAGE', '$ wc -c < id', 'create --cidfile DIR/id IMAGE'],
      expect: ['0 64', '1 ! ID file taken'],
    },
    {
      name: 'attach to what does not run',
      steps: ['- create --name NAME IMAGE', 'attach NAME'],
      expect: '1 ! not running',
    },
  ],
}
