import type { Subject } from '../case.js'

export const programs: Subject = {
  title: 'ENTRYPOINT and CMD',
  cases: [
    { name: 'CMD alone', image: { Cmd: ['echo', 'cmd'] }, steps: ['run --rm IMAGE'], expect: '0 cmd' },
    {
      name: 'ENTRYPOINT alone',
      image: { Entrypoint: ['echo', 'entry'] },
      steps: ['run --rm IMAGE'],
      expect: '0 entry',
    },
    {
      name: 'ENTRYPOINT alone, words behind the image',
      image: { Entrypoint: ['echo', 'entry'] },
      steps: ['run --rm IMAGE words'],
      expect: '0 entry words',
    },
    {
      name: 'ENTRYPOINT of a shell, words behind the image',
      image: { Entrypoint: ['/bin/sh', '-c', 'echo entry $0 $1'] },
      steps: ['run --rm IMAGE words more'],
      expect: '0 entry words more',
    },
    {
      name: 'both',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: ['run --rm IMAGE'],
      expect: '0 entry cmd',
    },
    {
      name: 'both, words behind the image',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: ['run --rm IMAGE words'],
      expect: '0 entry words',
    },
    {
      name: '--entrypoint takes CMD away',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: ['run --rm --entrypoint echo IMAGE'],
      expect: '0',
    },
    {
      name: '--entrypoint of nothing, with words',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: [`run --rm --entrypoint '' IMAGE echo words`],
      expect: '0 words',
    },
    {
      name: '--entrypoint of nothing, without words',
      image: { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] },
      steps: [`run --rm --entrypoint '' IMAGE`],
      expect: '125 ! no command',
    },
    {
      name: '--entrypoint of two words is one program',
      steps: [`run --rm --entrypoint 'echo a' IMAGE`],
      expect: '127 ! not found in $PATH',
    },
    {
      name: 'ENTRYPOINT of an empty word',
      image: { Entrypoint: [''], Cmd: ['echo', 'cmd'] },
      steps: ['run --rm IMAGE'],
      expect: '0 cmd',
    },
    {
      name: 'words that look like options',
      image: { Entrypoint: ['echo'] },
      steps: ['run --rm IMAGE --rm -it -e A=1'],
      expect: '0 --rm -it -e A=1',
    },
    {
      name: 'words that are empty',
      image: { Entrypoint: ['/bin/sh', '-c', 'echo $#'] },
      steps: [`run --rm IMAGE x '' ''`],
      expect: '0 2',
    },
  ],
}
