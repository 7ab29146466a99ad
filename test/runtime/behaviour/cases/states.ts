import type { Subject } from '../case.js'

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
      expect: '?',
    },
    {
      name: 'start of what runs',
      steps: ['- run -d --name NAME IMAGE sleep 60', 'start NAME', { look: ['State.Status'] }],
      expect: '?',
    },
    {
      name: 'start again, with the same files',
      steps: [
        `- run --name NAME IMAGE sh -c 'echo run >> /runs'`,
        '- start -a NAME',
        '- cp NAME:/runs DIR/runs',
        '$ cat runs',
      ],
      expect: '?',
    },
    { name: 'start of what is not there', steps: ['start NAME', 'start -a NAME'], expect: '?' },
    { name: 'run -d prints the ID', steps: ['run -d --rm IMAGE true'], expect: '?' },
    {
      name: 'run -d --rm leaves nothing',
      steps: [
        `- run -d --rm --name NAME IMAGE sh -c 'sleep 1; exit 4'`,
        'wait NAME',
        { until: 'logs NAME', says: 'o such' },
        'rm NAME',
      ],
      expect: '?',
    },
    { name: 'run --rm leaves nothing', steps: ['- run --rm --name NAME IMAGE true', 'rm NAME'], expect: '?' },
    {
      name: 'wait of what has ended',
      steps: ['- create --name NAME IMAGE sh -c "exit 5"', 'start -a NAME', 'wait NAME'],
      expect: '?',
    },
    {
      name: 'wait of what was never started',
      steps: ['- create --name NAME IMAGE', 'wait NAME'],
      expect: '?',
    },
    {
      name: 'wait of several',
      steps: [
        `- run -d --name NAME IMAGE sh -c 'sleep 0.3; exit 1'`,
        `- run -d --name OTHER IMAGE sh -c 'exit 2'`,
        'wait NAME OTHER',
      ],
      expect: '?',
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
      expect: '?',
    },
    { name: 'pause of what does not run', steps: ['- create --name NAME IMAGE', 'pause NAME'], expect: '?' },
    {
      name: 'stop of what is paused',
      steps: [
        `- run -d --name NAME IMAGE sleep 60`,
        '- pause NAME',
        'stop -t 1 NAME',
        { look: ['State.Status', 'State.ExitCode'] },
      ],
      expect: '?',
    },
    {
      name: 'kill of what is paused',
      steps: [
        `- run -d --name NAME IMAGE sleep 60`,
        '- pause NAME',
        'kill NAME',
        { look: ['State.Status', 'State.ExitCode'] },
      ],
      expect: '?',
    },
    {
      name: 'rm of what runs',
      steps: ['- run -d --name NAME IMAGE sleep 60', 'rm NAME', 'rm -f NAME', 'rm NAME'],
      expect: '?',
    },
    { name: 'rm -f of what is not there', steps: ['rm -f NAME'], expect: '?' },
    {
      name: 'rm of several, one of which is not there',
      steps: ['- create --name NAME IMAGE', 'rm OTHER NAME', 'rm NAME'],
      expect: '?',
    },
    {
      name: 'its first process killed from the host',
      steps: [
        `- run -d --name NAME --init IMAGE sleep 60`,
        `exec NAME sh -c 'kill -9 $(pidof sleep)'`,
        'wait NAME',
      ],
      expect: '?',
    },
    {
      name: 'restart of a container that failed keeps its settings',
      steps: [`run --name NAME -e A=1 -w /data IMAGE sh -c 'echo $A $PWD; exit 2'`, 'start -a NAME'],
      expect: '?',
    },
    {
      name: '--cidfile',
      steps: ['- create --name NAME --cidfile DIR/id IMAGE', '$ wc -c < id', 'create --cidfile DIR/id IMAGE'],
      expect: '?',
    },
    {
      name: 'a container by the beginning of its ID',
      steps: [
        '- create --name NAME --cidfile DIR/id IMAGE',
        '$ $RUN_OF inspect $(cut -c 1-10 id) > found && grep -c $(cat id) found | sed s/[1-9].*/found/',
      ],
      expect: '?',
    },
    {
      name: 'attach to what does not run',
      steps: ['- create --name NAME IMAGE', 'attach NAME'],
      expect: '?',
    },
    {
      name: 'attach passes on input and status',
      steps: [
        `- run -di --name NAME IMAGE sh -c 'read x; echo got $x; sleep 0.5; exit 6'`,
        { run: 'attach NAME', input: 'in\n' },
      ],
      expect: '?',
    },
  ],
}
