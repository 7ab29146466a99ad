import type { Subject } from '../case.js'

export const inspect: Subject = {
  title: 'What inspect tells',
  cases: [
    {
      name: 'settings of the image',
      image: {
        Cmd: ['sleep', '60'],
        Env: ['PATH=/bin', 'A=1'],
        User: 'app',
        WorkingDir: '/data',
        Labels: { of: 'image' },
      },
      steps: [
        '- create --name NAME IMAGE',
        {
          look: [
            'Config.Cmd',
            'Config.Env',
            'Config.User',
            'Config.WorkingDir',
            'Config.Labels',
            'Config.Image',
          ],
        },
      ],
      expect: '?',
    },
    {
      name: 'settings over those of the image',
      image: { Entrypoint: ['sleep'], Cmd: ['60'], Env: ['PATH=/bin', 'A=1'], Labels: { of: 'image' } },
      steps: [
        '- create --name NAME -e A=2 -e B=3 -l of=me -l by=me -w /srv -u 5:6 -h box IMAGE 7',
        {
          look: [
            'Config.Entrypoint',
            'Config.Cmd',
            'Config.Env',
            'Config.User',
            'Config.WorkingDir',
            'Config.Labels',
            'Config.Hostname',
          ],
        },
      ],
      expect: '?',
    },
    {
      name: '-it',
      steps: ['- create -it --name NAME IMAGE', { look: ['Config.Tty', 'Config.OpenStdin'] }],
      expect: '?',
    },
    {
      name: 'limits and the like',
      steps: [
        '- create --rm --read-only -m 64m --pids-limit 50 --name NAME IMAGE',
        {
          look: [
            'HostConfig.Memory',
            'HostConfig.PidsLimit',
            'HostConfig.ReadonlyRootfs',
            'HostConfig.AutoRemove',
          ],
        },
      ],
      expect: '?',
    },
    { name: 'the image', steps: ['- create --name NAME IMAGE', { look: ['Image'] }], expect: '?' },
  ],
}
