import type { Subject } from '../case.js'

export const directories: Subject = {
  title: 'Working directory',
  cases: [
    { name: 'none', steps: ['run --rm IMAGE pwd'], expect: '?' },
    {
      name: 'of the image',
      image: { WorkingDir: '/data' },
      steps: ['run --rm IMAGE sh -c "pwd; ls"'],
      expect: '?',
    },
    {
      name: 'of the image, which is not there',
      image: { WorkingDir: '/made/by/run' },
      steps: [`run --rm IMAGE sh -c 'pwd; stat -c "%a %U" /made /made/by/run'`],
      expect: '?',
    },
    {
      name: 'of the image, not there, for an ordinary user',
      image: { WorkingDir: '/made/by/run', User: 'app' },
      steps: [`run --rm IMAGE sh -c 'pwd; stat -c "%a %U" /made/by/run; touch x'`],
      expect: '?',
    },
    { name: '-w', steps: ['run --rm -w /srv/new IMAGE pwd'], expect: '?' },
    {
      name: '-w over WORKDIR',
      image: { WorkingDir: '/data' },
      steps: ['run --rm -w /etc IMAGE pwd'],
      expect: '?',
    },
    { name: '-w that is no absolute path', steps: ['run --rm -w srv IMAGE pwd'], expect: '?' },
    { name: '-w with dots', steps: ['run --rm -w /srv/../etc/. IMAGE pwd'], expect: '?' },
    { name: 'a relative path to the program', steps: ['run --rm -w /bin IMAGE ./echo words'], expect: '?' },
    {
      name: 'that the user may not enter',
      steps: [`- create --name NAME IMAGE`, `run --rm -u app --tmpfs /closed:mode=700 -w /closed IMAGE pwd`],
      expect: '?',
    },
  ],
}
