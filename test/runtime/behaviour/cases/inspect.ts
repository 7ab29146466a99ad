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
      expect:
        '0 Config.Cmd=["sleep","60"] Config.Env=["A=1","PATH=/bin"] Config.User=app Config.WorkingDir=/data Config.Labels={"of":"image"} Config.Image=IMAGE',
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
      expect:
        '0 Config.Entrypoint=["sleep"] Config.Cmd=["7"] Config.Env=["A=2","B=3","PATH=/bin"] Config.User=5:6 Config.WorkingDir=/srv Config.Labels={"by":"me","of":"me"} Config.Hostname=box',
    },
    {
      name: '-it',
      steps: ['- create -it --name NAME IMAGE', { look: ['Config.Tty', 'Config.OpenStdin'] }],
      expect: '0 Config.Tty=true Config.OpenStdin=true',
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
      expect:
        '0 HostConfig.Memory=67108864 HostConfig.PidsLimit=50 HostConfig.ReadonlyRootfs=true HostConfig.AutoRemove=true',
    },
  ],
}
