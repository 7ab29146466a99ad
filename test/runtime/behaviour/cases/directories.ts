import type { Subject } from '../case.js'

export const directories: Subject = {
  title: 'Working directory',
  cases: [
    { name: 'none', steps: ['run --rm IMAGE pwd'], expect: '0 /' },
    {
      name: 'of the image',
      image: { WorkingDir: '/data' },
      steps: ['run --rm IMAGE sh -c "pwd; ls"'],
      expect: '0 /data ⏎ seed',
    },
    {
      name: 'of the image, which is not there',
      image: { WorkingDir: '/made/by/run' },
      steps: [`run --rm IMAGE sh -c 'pwd; stat -c "%a %U" /made /made/by/run'`],
      expect: '0 /made/by/run ⏎ 755 root',
    },
    {
      name: 'of the image, not there, for an ordinary user',
      image: { WorkingDir: '/made/by/run', User: 'app' },
      steps: [`run --rm IMAGE sh -c 'pwd; stat -c "%a %U" /made/by/run; touch x'`],
      expect: '1 /made/by/run ⏎ 755 root ! touch: x: Permission denied',
    },
    { name: '-w', steps: ['run --rm -w /srv/new IMAGE pwd'], expect: '0 /srv/new' },
    {
      name: '-w that is no absolute path',
      steps: ['run --rm -w srv IMAGE pwd'],
      expect: '125 ! working directory not absolute',
    },
    { name: '-w with dots', steps: ['run --rm -w /srv/../etc/. IMAGE pwd'], expect: '0 /etc' },
    {
      name: 'that the user may not enter',
      steps: [`- create --name NAME IMAGE`, `run --rm -u app --tmpfs /closed:mode=700 -w /closed IMAGE pwd`],
      expect: '0 /closed',
    },
  ],
}
