import type { Subject } from '../case.js'

export const programs: Subject = {
  title: 'ENTRYPOINT and CMD',
  cases: [
    { name: 'CMD alone', image: { Cmd: ['echo', 'cmd'] }, steps: ['run --rm IMAGE'], expect: '?' },
    {
      name: 'CMD of a shell',
      image: { Cmd: ['/bin/sh', '-c', 'echo $0 shell'] },
      steps: ['run --rm IMAGE'],
      expect: '?',
    },
    {
      name: 'ENTRYPOINT alone',
      image: { Entrypoint: ['echo', 'entry'] },
      steps: ['run --rm IMAGE'],
      expect: '?',
    },
    {
      name: 'ENTRYPOINT alone, words behind the image',
      image: { Entrypoint: ['echo', 'entry'] },
      steps: ['run --rm IMAGE words'],
      expect: '?',
    },
    {
      name: 'ENTRYPOINT of a shell, words behind the image',
      image: { Entrypoint: ['/bin/sh', '-c', 'echo entry $0 $1'] },
      steps: ['run --rm IMAGE words more'],
      expect: '?',
    },
    {
      name: 'both',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: ['run --rm IMAGE'],
      expect: '?',
    },
    {
      name: 'both, words behind the image',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: ['run --rm IMAGE words'],
      expect: '?',
    },
    {
      name: 'both, CMD of a shell',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['/bin/sh', '-c', 'cmd'] },
      steps: ['run --rm IMAGE'],
      expect: '?',
    },
    {
      name: '--entrypoint takes CMD away',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: ['run --rm --entrypoint echo IMAGE'],
      expect: '?',
    },
    {
      name: '--entrypoint with words behind the image',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: ['run --rm --entrypoint /bin/echo IMAGE words'],
      expect: '?',
    },
    {
      name: '--entrypoint of nothing, with words',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: [`run --rm --entrypoint '' IMAGE echo words`],
      expect: '?',
    },
    {
      name: '--entrypoint of nothing, without words',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: [`run --rm --entrypoint '' IMAGE`],
      expect: '?',
    },
    {
      name: '--entrypoint of two words is one program',
      steps: [`run --rm --entrypoint 'echo a' IMAGE`],
      expect: '?',
    },
    {
      name: 'ENTRYPOINT of an empty word',
      image: { Entrypoint: [''], Cmd: ['echo', 'cmd'] },
      steps: ['run --rm IMAGE'],
      expect: '?',
    },
    {
      name: 'words that look like options',
      image: { Entrypoint: ['echo'] },
      steps: ['run --rm IMAGE --rm -it -e A=1'],
      expect: '?',
    },
    {
      name: 'words that are empty',
      image: { Entrypoint: ['/bin/sh', '-c', 'echo $#'] },
      steps: [`run --rm IMAGE x '' ''`],
      expect: '?',
    },
  ],
}
