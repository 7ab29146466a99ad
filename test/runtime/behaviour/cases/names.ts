import type { Subject } from '../case.js'

export const names: Subject = {
  title: 'Names and lists',
  cases: [
    {
      name: 'a name that is taken',
      steps: ['- create --name NAME IMAGE', 'create --name NAME IMAGE', 'run --name NAME IMAGE true'],
      expect: '?',
    },
    {
      name: 'names that are none',
      steps: [
        'create --name - IMAGE',
        'create --name a/b IMAGE',
        `create --name 'a b' IMAGE`,
        'create --name a IMAGE',
      ],
      expect: '?',
    },
    {
      name: 'a name with a slash before it',
      steps: ['- create --name /NAME IMAGE', { look: ['Name'] }],
      expect: '?',
    },
    {
      name: 'rename',
      steps: ['- create --name NAME IMAGE', 'rename NAME OTHER', 'rm NAME', 'rm OTHER'],
      expect: '?',
    },
    {
      name: 'rename to a name that is taken',
      steps: ['- create --name NAME IMAGE', '- create --name OTHER IMAGE', 'rename NAME OTHER'],
      expect: '?',
    },
    { name: 'rename to no name', steps: ['- create --name NAME IMAGE', `rename NAME 'a b'`], expect: '?' },
    {
      name: 'rename of what runs',
      steps: ['- run -d --name NAME IMAGE sleep 60', 'rename NAME OTHER', 'exec OTHER true'],
      expect: '?',
    },
    {
      name: 'ps lists what runs, ps -a all',
      steps: ['- create --name NAME IMAGE', 'ps -q --filter name=NAME', 'ps -aq --filter name=NAME'],
      expect: '?',
    },
    {
      name: 'ps --filter status',
      steps: [
        '- create --name NAME IMAGE',
        'ps -q --filter name=NAME --filter status=created',
        'ps -aq --filter name=NAME --filter status=exited',
      ],
      expect: '?',
    },
    {
      name: 'ps --filter exited',
      steps: [
        'run --name NAME IMAGE sh -c "exit 9"',
        'ps -aq --filter name=NAME --filter exited=9',
        'ps -aq --filter name=NAME --filter exited=8',
      ],
      expect: '?',
    },
    {
      name: 'ps --filter label',
      steps: [
        '- create --name NAME -l team=a -l bare IMAGE',
        'ps -aq --filter name=NAME --filter label=team',
        'ps -aq --filter name=NAME --filter label=team=b',
        'ps -aq --filter name=NAME --filter label=bare',
      ],
      expect: '?',
    },
    {
      name: 'ps --filter ancestor',
      steps: ['- create --name NAME IMAGE', 'ps -aq --filter name=NAME --filter ancestor=IMAGE'],
      expect: '?',
    },
    { name: 'ps --filter of something else', steps: ['ps --filter colour=red'], expect: '?' },
    {
      name: 'ps --format',
      steps: ['- create --name NAME IMAGE', `ps -a --filter name=NAME --format '{{.Names}} {{.Status}}'`],
      expect: '?',
    },
    { name: 'inspect of what is not there', steps: ['inspect NAME'], expect: '?' },
  ],
}
