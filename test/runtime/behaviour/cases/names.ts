import type { Subject } from '../case.js'
import { wrongUsage } from './reasons.js'

export const names: Subject = {
  title: 'Names and lists',
  cases: [
    {
      name: 'a name that is taken',
      steps: ['- create --name NAME IMAGE', 'create --name NAME IMAGE', 'run --name NAME IMAGE true'],
      expect: ['1 ! name taken', '125 ! name taken'],
    },
    {
      name: 'names that are none',
      steps: [
        'create --name - IMAGE',
        'create --name a/b IMAGE',
        `create --name 'a b' IMAGE`,
        'create --name a IMAGE',
      ],
      expect: [
        '1 ! bad container name',
        '1 ! bad container name',
        '1 ! bad container name',
        '1 ! bad container name',
      ],
      lading: {
        expect: [
          '2 ! bad container name',
          '2 ! bad container name',
          '2 ! bad container name',
          '2 ! bad container name',
        ],
        why: wrongUsage,
      },
    },
    {
      name: 'rename',
      steps: ['- create --name NAME IMAGE', 'rename NAME OTHER', 'rm NAME', 'rm OTHER'],
      expect: ['0', '1 ! no such container', '0 OTHER'],
    },
    {
      name: 'rename to a name that is taken',
      steps: ['- create --name NAME IMAGE', '- create --name OTHER IMAGE', 'rename NAME OTHER'],
      expect: '1 ! name taken',
    },
    {
      name: 'ps lists what runs, ps -a all',
      steps: ['- create --name NAME IMAGE', 'ps -q --filter name=NAME', 'ps -aq --filter name=NAME'],
      expect: ['0', '0 ID'],
    },
    {
      name: 'ps --filter label',
      steps: [
        '- create --name NAME -l team=a -l bare IMAGE',
        'ps -aq --filter name=NAME --filter label=team',
        'ps -aq --filter name=NAME --filter label=team=b',
        'ps -aq --filter name=NAME --filter label=bare',
      ],
      expect: ['0 ID', '0', '0 ID'],
    },
    {
      name: 'ps --filter of something else',
      steps: ['ps --filter colour=red'],
      expect: '1 ! bad filter',
      lading: { expect: '2 ! bad filter', why: wrongUsage },
    },
    {
      name: 'ps --format',
      steps: ['- create --name NAME IMAGE', `ps -a --filter name=NAME --format '{{.Names}} {{.Status}}'`],
      expect: '0 NAME Created',
      lading: { expect: '2 ! bad option', why: 'no templates: --json has all of it' },
    },
    {
      name: 'inspect of what is not there',
      steps: ['inspect NAME'],
      expect: '1 [] ! nothing of that name',
      lading: { expect: '1 ! nothing of that name', why: 'docker prints an empty list besides' },
    },
  ],
}
